//! Attribute lists (RFC 8216bis, 4.2): `NAME=value,NAME="value"`, and which form each attribute that we know has.

use crate::inspect::check::{self, Check};

/// The attributes of one tag, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(Vec<(String, Value)>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Quoted(String),
    Plain(String),
}

#[derive(Clone, Copy)]
enum Form {
    Quoted,
    Integer,
    Float,
    Resolution,
    Hexadecimal,
    OneOf(&'static [&'static str]),
    /// Any enumerated string.
    Word,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Required,
    Optional,
}

const YES_NO: Form = Form::OneOf(&["YES", "NO"]);
const RANGES: Form = Form::OneOf(&["SDR", "HLG", "PQ"]);

type AttributeForm = (&'static str, Form, Need);

/// The tags whose attributes are checked.
const TAGS: &[(&str, &[AttributeForm])] = &[
    (
        "EXT-X-MEDIA",
        &[
            ("TYPE", Form::OneOf(&["AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"]), Need::Required),
            ("GROUP-ID", Form::Quoted, Need::Required),
            ("NAME", Form::Quoted, Need::Required),
            ("URI", Form::Quoted, Need::Optional),
            ("LANGUAGE", Form::Quoted, Need::Optional),
            ("ASSOC-LANGUAGE", Form::Quoted, Need::Optional),
            ("STABLE-RENDITION-ID", Form::Quoted, Need::Optional),
            ("DEFAULT", YES_NO, Need::Optional),
            ("AUTOSELECT", YES_NO, Need::Optional),
            ("FORCED", YES_NO, Need::Optional),
            ("INSTREAM-ID", Form::Quoted, Need::Optional),
            ("CHARACTERISTICS", Form::Quoted, Need::Optional),
            ("CHANNELS", Form::Quoted, Need::Optional),
        ],
    ),
    (
        "EXT-X-STREAM-INF",
        &[
            ("BANDWIDTH", Form::Integer, Need::Required),
            ("AVERAGE-BANDWIDTH", Form::Integer, Need::Optional),
            ("SCORE", Form::Float, Need::Optional),
            ("CODECS", Form::Quoted, Need::Optional),
            ("SUPPLEMENTAL-CODECS", Form::Quoted, Need::Optional),
            ("RESOLUTION", Form::Resolution, Need::Optional),
            ("FRAME-RATE", Form::Float, Need::Optional),
            ("VIDEO-RANGE", RANGES, Need::Optional),
            ("STABLE-VARIANT-ID", Form::Quoted, Need::Optional),
            ("AUDIO", Form::Quoted, Need::Optional),
            ("VIDEO", Form::Quoted, Need::Optional),
            ("SUBTITLES", Form::Quoted, Need::Optional),
            ("PATHWAY-ID", Form::Quoted, Need::Optional),
        ],
    ),
    (
        "EXT-X-I-FRAME-STREAM-INF",
        &[
            ("BANDWIDTH", Form::Integer, Need::Required),
            ("URI", Form::Quoted, Need::Required),
            ("AVERAGE-BANDWIDTH", Form::Integer, Need::Optional),
            ("SCORE", Form::Float, Need::Optional),
            ("CODECS", Form::Quoted, Need::Optional),
            ("RESOLUTION", Form::Resolution, Need::Optional),
            ("VIDEO-RANGE", RANGES, Need::Optional),
            ("STABLE-VARIANT-ID", Form::Quoted, Need::Optional),
            ("VIDEO", Form::Quoted, Need::Optional),
            ("PATHWAY-ID", Form::Quoted, Need::Optional),
        ],
    ),
    (
        "EXT-X-KEY",
        &[
            ("METHOD", Form::Word, Need::Required),
            ("URI", Form::Quoted, Need::Optional),
            ("IV", Form::Hexadecimal, Need::Optional),
            ("KEYFORMAT", Form::Quoted, Need::Optional),
            ("KEYFORMATVERSIONS", Form::Quoted, Need::Optional),
        ],
    ),
    ("EXT-X-MAP", &[("URI", Form::Quoted, Need::Required), ("BYTERANGE", Form::Quoted, Need::Optional)]),
];

/// A rule that the list breaks, and how.
type Fault = (&'static Check, String);

impl Attributes {
    /// The list behind `tag`, and what is wrong with it.
    pub fn read(tag: &str, list: &str) -> (Attributes, Vec<Fault>) {
        let mut attributes = Attributes::default();
        let mut faults: Vec<Fault> = Vec::new();
        let mut rest = list;
        while !rest.is_empty() {
            let Some((name, behind)) = rest.split_once('=') else {
                faults.push((check::TAG_SYNTAX, "an attribute has no value".to_owned()));
                break;
            };
            let is_name = !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'-'));
            if !is_name {
                faults
                    .push((check::TAG_SYNTAX, "an attribute's name has other letters than A-Z, 0-9 and -".to_owned()));
            }
            let (value, behind) = if let Some(quoted) = behind.strip_prefix('"') {
                let Some((value, behind)) = quoted.split_once('"') else {
                    faults.push((check::TAG_SYNTAX, format!("the quotes of {name} do not end")));
                    break;
                };
                (Value::Quoted(value.to_owned()), behind)
            } else {
                let end = behind.find(',').unwrap_or(behind.len());
                (Value::Plain(behind[..end].to_owned()), &behind[end..])
            };
            if attributes.0.iter().any(|(other, _)| other == name) {
                faults.push((check::TAG_SYNTAX, format!("{name} comes again")));
            }
            attributes.0.push((name.to_owned(), value));
            rest = match behind.strip_prefix(',') {
                Some("") => {
                    faults.push((check::TAG_SYNTAX, "the list ends with a comma".to_owned()));
                    ""
                }
                Some(rest) => rest,
                None if behind.is_empty() => "",
                None => {
                    faults.push((check::TAG_SYNTAX, format!("no comma stands behind {name}")));
                    break;
                }
            };
        }
        attributes.check_forms(tag, &mut faults);
        (attributes, faults)
    }

    pub fn quoted(&self, name: &str) -> Option<&str> {
        match self.value(name)? {
            Value::Quoted(value) => Some(value),
            Value::Plain(_) => None,
        }
    }

    pub fn plain(&self, name: &str) -> Option<&str> {
        match self.value(name)? {
            Value::Plain(value) => Some(value),
            Value::Quoted(_) => None,
        }
    }

    pub fn integer(&self, name: &str) -> Option<u64> {
        self.plain(name)?.parse().ok()
    }

    pub fn float(&self, name: &str) -> Option<f64> {
        self.plain(name)?.parse().ok()
    }

    pub fn is_yes(&self, name: &str) -> bool {
        self.plain(name) == Some("YES")
    }

    /// Width and height.
    pub fn resolution(&self) -> Option<(u32, u32)> {
        resolution(self.plain("RESOLUTION")?)
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    fn check_forms(&self, tag: &str, faults: &mut Vec<Fault>) {
        let known = TAGS.iter().find(|(name, _)| *name == tag).map_or(&[] as &[_], |(_, known)| known);
        for &(name, form, need) in known {
            match self.value(name) {
                None if need == Need::Required => faults.push((check::ATTRIBUTE_MISSING, format!("{name} is missing"))),
                Some(value) if !form.is_met_by(value) => {
                    faults.push((check::TAG_SYNTAX, format!("{name} is not {}", form.spoken())));
                }
                _ => {}
            }
        }
        let is_subtitles = self.plain("TYPE") == Some("SUBTITLES");
        if tag == "EXT-X-MEDIA" && is_subtitles && self.quoted("URI").is_none() {
            faults.push((check::ATTRIBUTE_MISSING, "subtitles have no URI".to_owned()));
        }
    }
}

impl Form {
    fn is_met_by(self, value: &Value) -> bool {
        let plain = match value {
            Value::Quoted(_) => return matches!(self, Form::Quoted),
            Value::Plain(plain) => plain.as_str(),
        };
        match self {
            Form::Quoted => false,
            Form::Integer => !plain.starts_with('+') && plain.parse::<u64>().is_ok(),
            Form::Float => {
                plain.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && plain.parse::<f64>().is_ok()
            }
            Form::Resolution => resolution(plain).is_some(),
            Form::Hexadecimal => hexadecimal_128(plain).is_some(),
            Form::OneOf(words) => words.contains(&plain),
            Form::Word => !plain.is_empty() && !plain.contains(char::is_whitespace),
        }
    }

    fn spoken(self) -> String {
        match self {
            Form::Quoted => "in quotes".to_owned(),
            Form::Integer => "a decimal integer".to_owned(),
            Form::Float => "a decimal number".to_owned(),
            Form::Resolution => "WIDTHxHEIGHT".to_owned(),
            Form::Hexadecimal => "0x and at most 32 hexadecimal digits".to_owned(),
            Form::OneOf(words) => format!("one of {}", words.join(", ")),
            Form::Word => "a word".to_owned(),
        }
    }
}

fn resolution(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    Some((width.parse().ok()?, height.parse().ok()?))
}

/// `0x…` with up to 128 bits.
pub fn hexadecimal_128(text: &str) -> Option<[u8; 16]> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    let is_hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u128::from_str_radix(digits, 16).ok().filter(|_| is_hexadecimal).map(u128::to_be_bytes)
}
