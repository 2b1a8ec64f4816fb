//! An XML document as a tree of elements and text. What can be misused is refused: a document type declaration, and with
//! it every entity but the five predefined ones and characters by number, elements nested deeper than any document that
//! is read here, and more of them than any has. The size is the caller's bound.

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use crate::base::limits;

/// One element. It has no `Debug`: its text may be a key.
pub struct Element {
    /// Empty where it has none.
    pub namespace: String,
    pub name: String,
    /// Without declarations of namespaces.
    attributes: Vec<Attribute>,
    /// What is in it, in order.
    pub nodes: Vec<Node>,
}

pub enum Node {
    Element(Element),
    Text(String),
}

struct Attribute {
    /// Empty where it has none: an attribute without a prefix is in no namespace.
    namespace: String,
    name: String,
    value: String,
}

/// Why a document could not be read, and how many bytes into it.
#[derive(Debug, PartialEq, Eq)]
pub struct XmlError {
    pub offset: u64,
    pub reason: String,
}

impl Element {
    /// The root element of `document`.
    pub fn parse(document: &str) -> Result<Element, XmlError> {
        let mut reader = NsReader::from_str(document);
        let mut open: Vec<Element> = Vec::new();
        let mut root = None;
        let mut count = 0;
        loop {
            let offset = reader.buffer_position();
            let wrong = |reason: &str| XmlError { offset, reason: reason.to_owned() };
            let event = reader.read_event().map_err(|error| wrong(&error.to_string()))?;
            if matches!(event, Event::Start(_) | Event::Empty(_)) {
                count += 1;
                if count > limits::XML_ELEMENTS_MAX {
                    return Err(wrong("too many elements"));
                }
                if open.len() == limits::XML_DEPTH_MAX {
                    return Err(wrong("elements are nested too deeply"));
                }
            }
            match event {
                Event::Start(start) => {
                    open.push(Element::open(&reader, &start).map_err(|reason| XmlError { offset, reason })?);
                }
                Event::Empty(start) => {
                    let element = Element::open(&reader, &start).map_err(|reason| XmlError { offset, reason })?;
                    close(element, &mut open, &mut root).map_err(wrong)?;
                }
                Event::End(_) => {
                    let element = open.pop().ok_or_else(|| wrong("an element ends that did not begin"))?;
                    close(element, &mut open, &mut root).map_err(wrong)?;
                }
                Event::Text(text) => add_text(&text.xml10_content(), &mut open).map_err(wrong)?,
                Event::CData(text) => add_text(&text.xml10_content(), &mut open).map_err(wrong)?,
                Event::GeneralRef(reference) => {
                    let text = resolve(&reference).ok_or_else(|| wrong("an entity that XML does not define itself"))?;
                    add_text(&text, &mut open).map_err(wrong)?;
                }
                Event::DocType(_) => return Err(wrong("a document type declaration")),
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
                Event::Eof if open.is_empty() => return root.ok_or_else(|| wrong("no element")),
                Event::Eof => return Err(wrong("the document ends inside an element")),
            }
        }
    }

    fn open(reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Result<Element, String> {
        let resolver = reader.resolver();
        let (namespace, name) = resolver.resolve_element(start.name());
        let (namespace, name) = (in_words(&namespace)?, name.as_ref().to_owned());
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
            let (namespace, name) = resolver.resolve_attribute(attribute.key);
            let (namespace, name) = (in_words(&namespace)?, name.as_ref().to_owned());
            attributes.push(Attribute { namespace, name, value: value.into_owned() });
        }
        Ok(Element { namespace, name, attributes, nodes: Vec::new() })
    }

    /// The attribute of this name in no namespace.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attribute_in(str::is_empty, name)
    }

    /// The attribute of this name in a namespace that `is_meant`.
    pub fn attribute_in(&self, is_meant: impl Fn(&str) -> bool, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|attribute| attribute.name == name && is_meant(&attribute.namespace));
        found.map(|attribute| attribute.value.as_str())
    }

    /// Its own text, without that of its children and the space around it.
    pub fn text(&self) -> String {
        let texts = self.nodes.iter().filter_map(|node| match node {
            Node::Text(text) => Some(text.as_str()),
            Node::Element(_) => None,
        });
        texts.collect::<String>().trim().to_owned()
    }

    /// All of its children, in order.
    pub fn elements(&self) -> impl Iterator<Item = &Element> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// Its children of this name, in order.
    pub fn children<'a>(&'a self, namespace: &'a str, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.elements().filter(move |child| child.namespace == namespace && child.name == name)
    }

    #[cfg(test)]
    pub fn attribute_names(&self) -> impl Iterator<Item = &str> {
        self.attributes
            .iter()
            .filter(|attribute| attribute.namespace.is_empty())
            .map(|attribute| attribute.name.as_str())
    }

    pub fn child<'a>(&'a self, namespace: &'a str, name: &'a str) -> Option<&'a Element> {
        self.children(namespace, name).next()
    }
}

/// A namespace; an empty one is none.
fn in_words(namespace: &ResolveResult<'_>) -> Result<String, String> {
    match namespace {
        ResolveResult::Bound(namespace) => Ok(namespace.into_inner().to_owned()),
        ResolveResult::Unbound => Ok(String::new()),
        ResolveResult::Unknown(prefix) => Err(format!("the prefix {prefix} is not declared")),
    }
}

fn close(element: Element, open: &mut [Element], root: &mut Option<Element>) -> Result<(), &'static str> {
    match open.last_mut() {
        Some(parent) => parent.nodes.push(Node::Element(element)),
        None if root.is_some() => return Err("a second element beside the root"),
        None => *root = Some(element),
    }
    Ok(())
}

fn add_text(text: &str, open: &mut [Element]) -> Result<(), &'static str> {
    match open.last_mut().map(|element| &mut element.nodes) {
        Some(nodes) => match nodes.last_mut() {
            Some(Node::Text(before)) => before.push_str(text),
            Some(Node::Element(_)) | None => nodes.push(Node::Text(text.to_owned())),
        },
        None if text.trim().is_empty() => {}
        None => return Err("text outside of the root element"),
    }
    Ok(())
}

fn resolve(reference: &BytesRef<'_>) -> Option<String> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => Some(character.to_string()),
        Ok(None) => resolve_predefined_entity(reference).map(str::to_owned),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(document: &str) -> String {
        Element::parse(document).err().unwrap().reason
    }

    #[test]
    fn a_document_is_read_by_namespace_whatever_the_prefix() {
        let document = "<?xml version='1.0'?><!-- c --><a:r xmlns:a='urn:a' n='1 &amp; 2' a:n='3'>\n <b xmlns='urn:b'>x&lt;<![CDATA[y]]>&#x7a;</b><a:c/>\n</a:r>";
        let root = Element::parse(document).unwrap();
        assert_eq!((root.namespace.as_str(), root.name.as_str()), ("urn:a", "r"));
        assert_eq!(root.attribute("n"), Some("1 & 2"));
        assert_eq!(root.attribute_in(|namespace| namespace == "urn:a", "n"), Some("3"));
        assert_eq!(root.text(), "");
        assert_eq!(root.child("urn:b", "b").unwrap().text(), "x<yz");
        assert!(root.child("urn:a", "b").is_none());
        let kinds: Vec<bool> = root.nodes.iter().map(|node| matches!(node, Node::Element(_))).collect();
        assert_eq!(kinds, [false, true, true, false], "text keeps its place among elements");
        assert_eq!(root.children("urn:a", "c").count(), 1);
    }

    #[test]
    fn what_can_be_misused_is_refused() {
        let bomb = "<!DOCTYPE r [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;'>]><r>&b;</r>";
        assert_eq!(reason(bomb), "a document type declaration");
        assert_eq!(reason("<r>&b;</r>"), "an entity that XML does not define itself");
        assert!(Element::parse("<r n='&b;'/>").is_err());
        let many = format!("<r>{}</r>", "<a/>".repeat(limits::XML_ELEMENTS_MAX));
        assert_eq!(reason(&many), "too many elements");
        let deep = "<r>".repeat(limits::XML_DEPTH_MAX + 1);
        assert_eq!(reason(&deep), "elements are nested too deeply");
        assert_eq!(reason("<r>"), "the document ends inside an element");
        assert_eq!(reason("<r/><r/>"), "a second element beside the root");
        assert_eq!(reason("<r/>text"), "text outside of the root element");
        assert_eq!(reason("<x:r/>"), "the prefix x is not declared");
        assert_eq!(reason(""), "no element");
        for broken in ["<r></s>", "<r n='1' n='2'/>", "<r", "</r>", "\u{0}"] {
            assert!(Element::parse(broken).is_err(), "{broken}");
        }
    }
}
