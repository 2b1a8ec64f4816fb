//! Styles and regions (TTML1, 8 and 9): what an element says of its looks itself comes before what the styles say that
//! it names, a later one before an earlier, and that before what it inherits.

use std::collections::HashMap;

use crate::base::xml::Element;
use crate::media::cue_text::Face;
use crate::media::ttml::{is_parameter, is_styling};
use crate::media::webvtt::CuePlace;

/// Styles that name styles that stand behind them are followed this far.
const CHAIN_MAX: usize = 4;
/// Rows of cells in the picture where a document does not say (TTML1, 6.2.1).
const ROWS: f64 = 15.0;

/// What is said; heights are parts of the picture's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    bold: Option<bool>,
    italic: Option<bool>,
    underline: Option<bool>,
    is_visible: Option<bool>,
    /// Not inherited, like all that follows.
    pub is_displayed: Option<bool>,
    /// Annotation that stands beside other words.
    pub is_ruby_text: Option<bool>,
    origin: Option<f64>,
    extent: Option<f64>,
    /// Of what the extent leaves over, the part that lies above.
    position: Option<f64>,
    align: Option<Align>,
}

/// Where in its region the words stand.
#[derive(Clone, Copy, Debug)]
enum Align {
    Before,
    Center,
    After,
}

impl Style {
    pub fn face(&self) -> Face {
        let is_on = |said: Option<bool>| said.unwrap_or(false);
        Face { bold: is_on(self.bold), italic: is_on(self.italic), underline: is_on(self.underline) }
    }

    pub fn is_visible(&self) -> bool {
        self.is_visible.unwrap_or(true)
    }

    /// What `over` says, and what it does not say as here.
    pub fn under(self, over: &Style) -> Style {
        Style {
            bold: over.bold.or(self.bold),
            italic: over.italic.or(self.italic),
            underline: over.underline.or(self.underline),
            is_visible: over.is_visible.or(self.is_visible),
            is_displayed: over.is_displayed.or(self.is_displayed),
            is_ruby_text: over.is_ruby_text.or(self.is_ruby_text),
            origin: over.origin.or(self.origin),
            extent: over.extent.or(self.extent),
            position: over.position.or(self.position),
            align: over.align.or(self.align),
        }
    }

    /// Where the words stand, from the top.
    fn height(&self) -> f64 {
        let extent = self.extent.unwrap_or(1.0);
        let origin = self.origin.or(self.position.map(|part| (1.0 - extent) * part)).unwrap_or(0.0);
        match self.align.unwrap_or(Align::Before) {
            Align::Before => origin,
            Align::Center => origin + extent / 2.0,
            Align::After => origin + extent,
        }
    }
}

/// A part of the picture, with what is inherited from it.
pub struct Region {
    pub style: Style,
    /// At which part of the picture's height its words stand.
    pub height: f64,
    /// The third that this is in.
    pub place: CuePlace,
}

impl Region {
    fn new(style: Style) -> Region {
        let height = style.height();
        let place = match height {
            at if at < 1.0 / 3.0 => CuePlace::Top,
            at if at > 2.0 / 3.0 => CuePlace::Bottom,
            _ => CuePlace::Middle,
        };
        Region { style, height, place }
    }
}

/// The styles and regions of a document, by name.
pub struct Styles {
    named: HashMap<String, Style>,
    regions: HashMap<String, Region>,
    heights: Heights,
}

impl Styles {
    pub fn of(root: &Element) -> Styles {
        let heights = Heights::of(root);
        let mut styles = Styles { named: HashMap::new(), regions: HashMap::new(), heights };
        let Some(head) = root.elements().find(|child| child.name == "head") else { return styles };
        let in_part = |part: &'static str, name: &'static str| {
            let parts = head.elements().filter(move |child| child.name == part);
            parts.flat_map(Element::elements).filter(move |child| child.name == name)
        };
        for _ in 0..CHAIN_MAX {
            for element in in_part("styling", "style") {
                if let Some(id) = id(element) {
                    let style = styles.of_element(element);
                    styles.named.insert(id.to_owned(), style);
                }
            }
        }
        for element in in_part("layout", "region") {
            let Some(id) = id(element) else { continue };
            let inner = element.elements().filter(|child| child.name == "style");
            let style = inner.fold(Style::default(), |style, inner| style.under(&styles.of_element(inner)));
            let style = style.under(&styles.of_element(element));
            styles.regions.insert(id.to_owned(), Region::new(style));
        }
        styles
    }

    pub fn region(&self, id: &str) -> Option<&Region> {
        self.regions.get(id)
    }

    /// What an element says, itself and by the styles that it names.
    pub fn of_element(&self, element: &Element) -> Style {
        let named = element.attribute("style").unwrap_or_default().split_whitespace();
        let named = named.filter_map(|id| self.named.get(id));
        named.fold(Style::default(), Style::under).under(&self.own(element))
    }

    fn own(&self, element: &Element) -> Style {
        let said = |name: &str| element.attribute_in(is_styling, name).map(str::trim);
        // `textDecoration` may hold several words; what it does not name stays as it is.
        let underline = said("textDecoration").and_then(|words| {
            words.split_whitespace().find_map(|word| match word {
                "underline" => Some(true),
                "noUnderline" | "none" => Some(false),
                _ => None,
            })
        });
        let second = |text: &str| self.heights.part(text.split_whitespace().nth(1)?);
        Style {
            bold: said("fontWeight").map(|weight| weight == "bold"),
            italic: said("fontStyle").map(|style| matches!(style, "italic" | "oblique" | "reverseOblique")),
            underline,
            is_visible: said("visibility").map(|visibility| visibility != "hidden"),
            is_displayed: said("display").map(|display| display != "none"),
            is_ruby_text: said("ruby").map(|ruby| matches!(ruby, "text" | "textContainer" | "delimiter")),
            origin: said("origin").and_then(second),
            extent: said("extent").and_then(second),
            position: said("position").and_then(|text| self.position(text)),
            align: said("displayAlign").and_then(|align| match align {
                "before" => Some(Align::Before),
                "center" => Some(Align::Center),
                "after" => Some(Align::After),
                _ => None,
            }),
        }
    }

    /// The vertical part of `tts:position`, in its forms of one and two words.
    fn position(&self, text: &str) -> Option<f64> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            _ if words.contains(&"top") => Some(0.0),
            _ if words.contains(&"bottom") => Some(1.0),
            [_, height] if height != "center" => self.heights.part(height),
            _ => Some(0.5),
        }
    }
}

/// `xml:id`.
fn id(element: &Element) -> Option<&str> {
    element.attribute_in(|namespace| namespace == "http://www.w3.org/XML/1998/namespace", "id")
}

/// What lengths are parts of.
struct Heights {
    rows: f64,
    /// Pixels of the picture that the document was made for.
    pixels: Option<f64>,
}

impl Heights {
    fn of(root: &Element) -> Heights {
        let rows = root.attribute_in(is_parameter, "cellResolution").and_then(|text| text.split_whitespace().nth(1));
        let rows = rows.and_then(|rows| rows.parse::<u32>().ok()).filter(|rows| *rows > 0).map_or(ROWS, f64::from);
        let extent = root.attribute_in(is_styling, "extent").and_then(|text| text.split_whitespace().nth(1));
        let pixels = extent.and_then(|height| height.strip_suffix("px")?.parse::<u32>().ok()).filter(|px| *px > 0);
        Heights { rows, pixels: pixels.map(f64::from) }
    }

    /// A height as a part of the picture's: `80%`, `80rh`, `12c`, `864px`.
    fn part(&self, text: &str) -> Option<f64> {
        let unit = text.find(|letter: char| letter.is_ascii_alphabetic() || letter == '%')?;
        let count = text[..unit].parse::<f64>().ok().filter(|count| count.is_finite())?;
        match &text[unit..] {
            "%" | "rh" => Some(count / 100.0),
            "c" => Some(count / self.rows),
            "px" => Some(count / self.pixels?),
            _ => None,
        }
    }
}
