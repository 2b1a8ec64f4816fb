//! Timed text (W3C TTML1 and TTML2, the text profile of IMSC 1.1, and the drafts of it that DFXP files are in) as cues.
//! Kept are words, lines, italics, bold, underline, and whether they stand at the bottom, in the middle or at the top.
//!
//! ```text
//! tt ─┬─ head ─┬─ styling ── style…          looks, by name
//!     │        └─ layout ─── region…         places, by name
//!     └─ body ── div… ── p… ── span, br      words; each element may have begin, dur, end, style, region
//! ```
//!
//! An element's times count from where its parent begins (`par`), or from where its elder sibling ends (`seq`), and
//! nothing is shown beyond its parent's end (TTML1, 10.2 and 10.4). A paragraph whose spans come and go is a cue for each
//! stretch in which it stays the same. Paragraphs that come and go together in one third of the picture are one cue, the
//! upper first: players put a second cue above the one that is there. Not kept: colours, fonts, exact places, animation, and ruby annotation.

mod clock;
mod style;

use std::collections::HashMap;
use std::fmt;

use crate::base::xml::{Element, Node, XmlError};
use crate::media::cue_text::{CueText, Face};
use crate::media::ttml::clock::{TimeBaseError, Times};
use crate::media::ttml::style::{Region, Style, Styles};
use crate::media::webvtt::{Cue, CuePlace};

/// Instants at which one paragraph changes.
const CHANGES_MAX: usize = 1_024;

/// Why a document gives no cues.
#[derive(Debug, PartialEq, Eq)]
pub enum TtmlError {
    Xml(XmlError),
    /// It is XML, but its root is no `tt`.
    NotTimedText,
    /// The image profile of IMSC, or SMPTE-TT with pictures.
    Pictures,
    /// `ttp:timeBase="clock"`: it counts the hours of a day.
    WallClock,
    /// An attribute of time that says none.
    Time(String),
    /// One paragraph changes too often.
    Changes,
}

impl fmt::Display for TtmlError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TtmlError::Xml(XmlError { offset, reason }) => write!(to, "at byte {offset} there is {reason}"),
            TtmlError::NotTimedText => write!(to, "it is XML, but not TTML"),
            TtmlError::Pictures => write!(to, "it is TTML with pictures rather than words"),
            TtmlError::WallClock => write!(to, "its times are those of a clock on the wall"),
            TtmlError::Time(text) => write!(to, "{text:?} is no time"),
            TtmlError::Changes => write!(to, "one paragraph changes more than {CHANGES_MAX} times"),
        }
    }
}

/// The cues of a document, in the order in which it names them. One that the document does not end ends at `u64::MAX`.
pub fn cues(document: &str) -> Result<Vec<Cue>, TtmlError> {
    let root = Element::parse(document).map_err(TtmlError::Xml)?;
    // The recommendations, and the two drafts that are in use.
    let is_timed_text = root.namespace == "http://www.w3.org/ns/ttml" || root.namespace.contains("/ttaf1");
    if root.name != "tt" || !is_timed_text {
        return Err(TtmlError::NotTimedText);
    }
    let is_image_profile = ["profile", "contentProfiles"]
        .iter()
        .filter_map(|name| root.attribute_in(is_parameter, name))
        .any(|profiles| profiles.split_whitespace().any(|profile| profile.ends_with("/image")));
    if is_image_profile {
        return Err(TtmlError::Pictures);
    }
    let times = Times::of(&root).map_err(|TimeBaseError| TtmlError::WallClock)?;
    let styles = Styles::of(&root);
    let mut document = Document { times, styles: &styles, shown: Vec::new(), has_pictures: false };
    let keeps_space = keeps_space(&root, false);
    let all = Context { begin_us: 0, end_us: u64::MAX, style: Style::default(), region: None, keeps_space };
    if let Some(body) = root.elements().find(|child| child.name == "body") {
        document.block(body, 0, &all)?;
    }
    if document.shown.is_empty() && document.has_pictures {
        return Err(TtmlError::Pictures);
    }
    Ok(joined(document.shown))
}

/// What is shown together as one, from top to bottom.
fn joined(shown: Vec<Shown>) -> Vec<Cue> {
    let mut together: Vec<Vec<Shown>> = Vec::new();
    let mut places = HashMap::new();
    for shown in shown {
        let key = (shown.cue.start_ms, shown.cue.end_ms, shown.cue.place);
        let place = *places.entry(key).or_insert(together.len());
        match together.get_mut(place) {
            Some(group) => group.push(shown),
            None => together.push(vec![shown]),
        }
    }
    let cues = together.into_iter().filter_map(|mut group| {
        group.sort_by(|a, b| a.height.total_cmp(&b.height));
        let lines: Vec<&str> = group.iter().map(|shown| shown.cue.text.as_str()).collect();
        let text = lines.join("\n");
        group.into_iter().next().map(|shown| Cue { text, ..shown.cue })
    });
    cues.collect()
}

fn is_parameter(namespace: &str) -> bool {
    namespace.ends_with("#parameter")
}

fn is_styling(namespace: &str) -> bool {
    namespace.ends_with("#styling") || namespace.ends_with("#style")
}

/// `xml:space`.
fn keeps_space(element: &Element, otherwise: bool) -> bool {
    let said = element.attribute_in(|namespace| namespace == "http://www.w3.org/XML/1998/namespace", "space");
    said.map_or(otherwise, |space| space == "preserve")
}

/// What an element gets from those around it.
#[derive(Clone, Copy)]
struct Context<'a> {
    begin_us: u64,
    end_us: u64,
    style: Style,
    region: Option<&'a Region>,
    keeps_space: bool,
}

struct Document<'a> {
    times: Times,
    styles: &'a Styles,
    shown: Vec<Shown>,
    has_pictures: bool,
}

struct Shown {
    /// Of its region, from the top.
    height: f64,
    cue: Cue,
}

impl<'a> Document<'a> {
    /// The element as a context for what is in it, where its times count from `from_us`, and whether it says its own end;
    /// none where it is not shown.
    fn enter(
        &self,
        element: &Element,
        from_us: u64,
        around: &Context<'a>,
    ) -> Result<Option<(Context<'a>, bool)>, TtmlError> {
        let time = |name: &str| {
            let said = element.attribute(name).map(|text| (text, self.times.parse(text)));
            said.map(|(text, time)| time.ok_or_else(|| TtmlError::Time(text.to_owned()))).transpose()
        };
        let (begin, end, dur) = (time("begin")?, time("end")?, time("dur")?);
        let begin_us = from_us.saturating_add(begin.unwrap_or(0));
        let said = [end.map(|end| from_us.saturating_add(end)), dur.map(|dur| begin_us.saturating_add(dur))];
        let end_us = said.into_iter().flatten().fold(around.end_us, u64::min);
        let style = self.styles.of_element(element);
        if style.is_displayed == Some(false) || style.is_ruby_text == Some(true) {
            return Ok(None);
        }
        let context = Context {
            begin_us,
            end_us,
            style: around.style.under(&style),
            region: element.attribute("region").and_then(|id| self.styles.region(id)).or(around.region),
            keeps_space: keeps_space(element, around.keeps_space),
        };
        Ok(Some((context, end.is_some() || dur.is_some())))
    }

    /// A body, division or paragraph; gives back when it ends.
    fn block(&mut self, element: &Element, from_us: u64, around: &Context<'a>) -> Result<u64, TtmlError> {
        let Some((context, says_end)) = self.enter(element, from_us, around)? else { return Ok(from_us) };
        self.look_for_pictures(element);
        if element.name == "p" {
            self.paragraph(element, &context)?;
            return Ok(context.end_us);
        }
        let is_sequence = is_sequence(element);
        let (mut from_us, mut last_us) = (context.begin_us, context.begin_us);
        for child in element.elements() {
            if ["div", "p"].contains(&child.name.as_str()) {
                let end_us = self.block(child, from_us, &context)?;
                last_us = last_us.max(end_us);
                from_us = if is_sequence { end_us } else { from_us };
            } else {
                self.look_for_pictures(child);
            }
        }
        Ok(if says_end { context.end_us } else { last_us })
    }

    fn look_for_pictures(&mut self, element: &Element) {
        self.has_pictures |=
            element.name == "image" || element.attribute_in(|space| !space.is_empty(), "backgroundImage").is_some();
    }

    fn paragraph(&mut self, element: &Element, context: &Context<'a>) -> Result<(), TtmlError> {
        let mut pieces = Vec::new();
        self.collect(element, context, &mut pieces)?;
        let mut changes: Vec<u64> = pieces.iter().flat_map(|piece| [piece.begin_us, piece.end_us]).collect();
        changes.sort_unstable();
        changes.dedup();
        if changes.len() > CHANGES_MAX {
            return Err(TtmlError::Changes);
        }
        let first = self.shown.len();
        for stretch in changes.windows(2) {
            let (begin_us, end_us) = (stretch[0], stretch[1]);
            let shown = pieces.iter().filter(|piece| piece.begin_us <= begin_us && end_us <= piece.end_us);
            let Some((region, text)) = words(shown) else { continue };
            let (start_ms, end_ms) = (milliseconds(begin_us), milliseconds(end_us));
            let (height, place) = region.map_or((1.0, CuePlace::Bottom), |region| (region.height, region.place));
            match self.shown[first..].last_mut().map(|last| &mut last.cue) {
                Some(last) if last.end_ms == start_ms && last.place == place && last.text == text => {
                    last.end_ms = end_ms;
                }
                _ => self.shown.push(Shown { height, cue: Cue { start_ms, end_ms, place, text } }),
            }
        }
        Ok(())
    }

    /// The words and breaks in a paragraph or a span.
    fn collect<'e>(
        &self,
        element: &'e Element,
        context: &Context<'a>,
        pieces: &mut Vec<Piece<'e>>,
    ) -> Result<u64, TtmlError>
    where
        'a: 'e,
    {
        let is_sequence = is_sequence(element);
        let mut from_us = context.begin_us;
        let mut last_us = context.begin_us;
        let Context { begin_us, end_us, style, region, keeps_space } = *context;
        // A region is what its words inherit from in the end.
        let style = region.map_or(style, |region| region.style.under(&style));
        for node in &element.nodes {
            let letters = match node {
                // Words between the parts of a sequence last no time.
                Node::Text(text) if !is_sequence => Letters::Words { text, keeps_space },
                Node::Element(child) if child.name == "br" => Letters::Break,
                Node::Element(child) if child.name == "span" => {
                    let Some((inner, says_end)) = self.enter(child, from_us, context)? else { continue };
                    let end_us = self.collect(child, &inner, pieces)?;
                    let end_us = if says_end { inner.end_us } else { end_us };
                    last_us = last_us.max(end_us);
                    from_us = if is_sequence { end_us } else { from_us };
                    continue;
                }
                Node::Text(_) | Node::Element(_) => continue,
            };
            if begin_us < end_us && style.is_visible() {
                pieces.push(Piece { begin_us, end_us, face: style.face(), region, letters });
            }
            last_us = end_us;
        }
        Ok(last_us)
    }
}

fn is_sequence(element: &Element) -> bool {
    element.attribute("timeContainer") == Some("seq")
}

fn milliseconds(us: u64) -> u64 {
    if us == u64::MAX { us } else { us.saturating_add(500) / 1000 }
}

/// Words that look alike, or the end of a line, for as long as they are shown.
struct Piece<'a> {
    begin_us: u64,
    end_us: u64,
    face: Face,
    region: Option<&'a Region>,
    letters: Letters<'a>,
}

enum Letters<'a> {
    Words { text: &'a str, keeps_space: bool },
    Break,
}

/// What these pieces say together, and the region of the first words among them.
fn words<'a>(pieces: impl Iterator<Item = &'a Piece<'a>>) -> Option<(Option<&'a Region>, String)> {
    let mut cue = CueText::default();
    let mut region = None;
    let mut is_after_space = true;
    for piece in pieces {
        let Letters::Words { text, keeps_space } = piece.letters else {
            cue.end_line();
            is_after_space = true;
            continue;
        };
        for letter in text.chars() {
            // White space as XML has it; a no-break space is a letter.
            let is_space = matches!(letter, ' ' | '\t' | '\r' | '\n');
            match letter {
                '\n' if keeps_space => cue.end_line(),
                _ if keeps_space || !is_space => cue.push(letter, piece.face),
                _ if !is_after_space => cue.push(' ', piece.face),
                _ => {}
            }
            is_after_space = is_space;
        }
        if region.is_none() && !text.trim().is_empty() {
            region = piece.region;
        }
    }
    Some((region, cue.finish()?))
}

#[cfg(test)]
mod tests;
