//! Common Media Client Data (CTA-5004, versions 1 and 2): what a player says with a request for media, in the query
//! (`CMCD=…`), in four headers, or in reports of its own (event mode: JSON, or one key-value list a line).
//!
//! Reading is total: a pair that makes no sense is left out, whatever is too long is cut off, and nothing here ever
//! fails a request. Keys that hold URLs are not kept, as our URLs hold tokens.

use serde_json::{Value as Json, json};

use crate::base::limits;
use crate::telemetry::event::word;

/// Keys that hold URLs or parts of them.
const SECRET_KEYS: &[&str] = &["nor", "nrr", "url", "su-url"];

/// One report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cmcd {
    /// In the order they came; a key that comes twice counts the last time.
    pairs: Vec<(String, Value)>,
}

/// A value of any key.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Flag(bool),
    Number(f64),
    /// A string or a token.
    Text(String),
    /// An inner list of version 2, such as `br=(3200;v 128;a)`; parameters are left out.
    List(Vec<Value>),
}

impl Cmcd {
    /// The `CMCD` parameter of a query, or nothing.
    pub fn from_query(query: &str) -> Option<Cmcd> {
        let encoded = query.split('&').find_map(|pair| pair.strip_prefix("CMCD="))?;
        if encoded.len() > limits::CMCD_BYTES_MAX {
            return None;
        }
        Some(Cmcd::from_list(&percent_decoded(encoded)))
    }

    /// One key-value list: a header's value, or a line of a report.
    pub fn from_list(text: &str) -> Cmcd {
        let mut cmcd = Cmcd::default();
        cmcd.add_list(text);
        cmcd
    }

    /// Adds another header's pairs.
    pub fn add_list(&mut self, text: &str) {
        let mut rest = Reader(cut(text, limits::CMCD_BYTES_MAX).trim());
        while !rest.0.is_empty() && self.pairs.len() < limits::CMCD_KEYS_MAX {
            let key = rest.take_while(|byte| byte != b'=' && byte != b',').trim();
            let value = if rest.skip(b'=') { rest.value() } else { Some(Value::Flag(true)) };
            // What stands between a value and the next comma belongs to nothing.
            rest.take_while(|byte| byte != b',');
            rest.skip(b',');
            if let Some(value) = value {
                self.set(key, value);
            }
        }
    }

    /// Reports of event mode: a JSON array or object, or one key-value list a line. What cannot be read is left out.
    pub fn from_reports(body: &str) -> Vec<Cmcd> {
        let body = body.trim();
        let mut reports: Vec<Cmcd> = if body.starts_with(['[', '{']) {
            match serde_json::from_str(body) {
                Ok(Json::Array(reports)) => {
                    reports.iter().take(limits::CMCD_REPORTS_MAX).map(Cmcd::from_json).collect()
                }
                Ok(report @ Json::Object(_)) => vec![Cmcd::from_json(&report)],
                _ => Vec::new(),
            }
        } else {
            body.lines().take(limits::CMCD_REPORTS_MAX).map(Cmcd::from_list).collect()
        };
        reports.retain(|report| !report.pairs.is_empty());
        reports
    }

    fn from_json(value: &Json) -> Cmcd {
        let mut cmcd = Cmcd::default();
        for (key, value) in value.as_object().into_iter().flatten().take(limits::CMCD_KEYS_MAX) {
            if let Some(value) = from_json(value, 0) {
                cmcd.set(key, value);
            }
        }
        cmcd
    }

    fn set(&mut self, key: &str, value: Value) {
        let is_key = (1..=limits::TELEMETRY_WORD_BYTES_MAX).contains(&key.len())
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
        if !is_key {
            return;
        }
        self.pairs.retain(|(known, _)| known != key);
        self.pairs.push((key.to_owned(), value));
    }

    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.pairs.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// The first number of a key, as version 2 writes lists where version 1 wrote one.
    pub fn number(&self, key: &str) -> Option<f64> {
        match self.get(key)? {
            Value::Number(number) => Some(*number),
            Value::List(list) => list.iter().find_map(|value| match value {
                Value::Number(number) => Some(*number),
                _ => None,
            }),
            Value::Flag(_) | Value::Text(_) => None,
        }
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::Text(text) => Some(text),
            Value::List(list) => list.iter().find_map(|value| match value {
                Value::Text(text) => Some(text.as_str()),
                _ => None,
            }),
            Value::Flag(_) | Value::Number(_) => None,
        }
    }

    /// `sid`: the session as the player names it.
    pub fn session(&self) -> Option<&str> {
        self.text("sid")
    }

    /// `bs`: the player ran dry before this request. Version 2 writes it once for each kind of object.
    pub fn is_starved(&self) -> bool {
        match self.get("bs") {
            Some(Value::Flag(flag)) => *flag,
            Some(Value::List(list)) => list.contains(&Value::Flag(true)),
            _ => false,
        }
    }

    /// `br` of a video or muxed object, in bits a second: it is sent in kilobits.
    pub fn video_bitrate_bps(&self) -> Option<u64> {
        let is_video = self.text("ot").is_none_or(|kind| matches!(kind, "v" | "av"));
        let kilobits = self.number("br").filter(|_| is_video)?;
        (kilobits > 0.0).then(|| (kilobits.min(1e9) * 1000.0) as u64)
    }

    /// `ec`: error codes of version 2.
    pub fn error_codes(&self) -> Vec<String> {
        match self.get("ec") {
            Some(Value::List(list)) => list.iter().filter_map(code).take(4).collect(),
            Some(value) => code(value).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// What a timeline shows of it.
    pub fn detail(&self) -> Json {
        let kept = self.pairs.iter().filter(|(key, _)| !SECRET_KEYS.contains(&key.as_str()) && !key.contains('-'));
        kept.take(limits::CMCD_KEYS_MAX).map(|(key, value)| (key.clone(), value.to_json())).collect()
    }
}

impl Value {
    fn to_json(&self) -> Json {
        match self {
            Value::Flag(flag) => json!(flag),
            Value::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => json!(*number as i64),
            Value::Number(number) => json!(number),
            Value::Text(text) => json!(cut(text, limits::TELEMETRY_WORD_BYTES_MAX)),
            Value::List(list) => list.iter().map(Value::to_json).collect(),
        }
    }
}

fn code(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(word(Some(text))),
        Value::Number(number) => Some(number.to_string()),
        Value::Flag(_) | Value::List(_) => None,
    }
}

fn from_json(value: &Json, depth: u32) -> Option<Value> {
    Some(match value {
        Json::Bool(flag) => Value::Flag(*flag),
        Json::Number(number) => Value::Number(number.as_f64().filter(|number| number.is_finite())?),
        Json::String(text) => Value::Text(cut(text, limits::CMCD_BYTES_MAX).to_owned()),
        Json::Array(list) if depth == 0 => {
            Value::List(list.iter().take(limits::CMCD_KEYS_MAX).filter_map(|value| from_json(value, 1)).collect())
        }
        Json::Array(_) | Json::Object(_) | Json::Null => return None,
    })
}

/// What has not been read yet.
struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn take_while(&mut self, is_part: impl Fn(u8) -> bool) -> &'a str {
        let end = self.0.bytes().position(|byte| !is_part(byte)).unwrap_or(self.0.len());
        // The bytes that end a part are ASCII, so this is a boundary.
        let (part, rest) = self.0.split_at_checked(end).unwrap_or((self.0, ""));
        self.0 = rest;
        part
    }

    fn skip(&mut self, byte: u8) -> bool {
        let is_there = self.0.as_bytes().first() == Some(&byte);
        if is_there {
            self.0 = &self.0[1..];
        }
        is_there
    }

    fn value(&mut self) -> Option<Value> {
        match self.0.as_bytes().first()? {
            b'"' => self.quoted().map(Value::Text),
            b'(' => {
                self.skip(b'(');
                let mut list = Vec::new();
                loop {
                    self.take_while(|byte| byte == b' ');
                    if self.skip(b')') || self.0.is_empty() || list.len() >= limits::CMCD_KEYS_MAX {
                        break;
                    }
                    let before = self.0.len();
                    list.extend(self.item(|byte| !matches!(byte, b' ' | b')' | b';')));
                    self.take_while(|byte| byte != b' ' && byte != b')');
                    if self.0.len() == before {
                        break;
                    }
                }
                Some(Value::List(list))
            }
            _ => self.item(|byte| byte != b',' && byte != b';'),
        }
    }

    fn item(&mut self, is_part: impl Fn(u8) -> bool) -> Option<Value> {
        if self.0.starts_with('"') {
            return self.quoted().map(Value::Text);
        }
        let text = self.take_while(is_part).trim();
        match text {
            "" => None,
            "true" | "?1" => Some(Value::Flag(true)),
            "false" | "?0" => Some(Value::Flag(false)),
            _ => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Some(Value::Number(number)),
                _ => Some(Value::Text(text.to_owned())),
            },
        }
    }

    /// A string in quotes; a backslash takes the next character as it is. One that never ends is none.
    fn quoted(&mut self) -> Option<String> {
        self.skip(b'"');
        let mut text = String::new();
        let mut is_escaped = false;
        for (at, character) in self.0.char_indices() {
            match character {
                _ if is_escaped => {
                    text.push(character);
                    is_escaped = false;
                }
                '\\' => is_escaped = true,
                '"' => {
                    self.0 = &self.0[at + 1..];
                    return Some(text);
                }
                _ => text.push(character),
            }
        }
        self.0 = "";
        None
    }
}

fn percent_decoded(text: &str) -> String {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = (bytes.get(at + 1).copied().and_then(digit), bytes.get(at + 2).copied().and_then(digit));
        match (bytes[at], pair) {
            (b'%', (Some(high), Some(low))) => {
                decoded.push(high * 16 + low);
                at += 3;
            }
            (b'+', _) => {
                decoded.push(b' ');
                at += 1;
            }
            (byte, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The beginning of a text, at most so many bytes of it.
fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SID: &str = "6e2fb550-c457-11e9-bb97-0800200c9a66";

    #[test]
    fn the_examples_of_version_1_are_read() {
        let whole =
            format!(r#"{{"br":3200,"bs":true,"d":4004,"mtp":25400,"ot":"v","rtp":15000,"sid":"{SID}","tb":6000}}"#);
        let table = [
            ("CMCD=sid%3D%226e2fb550-c457-11e9-bb97-0800200c9a66%22", format!(r#"{{"sid":"{SID}"}}"#)),
            (
                "CMCD=br%3D3200%2Cbs%2Cd%3D4004%2Cmtp%3D25400%2Cot%3Dv%2Crtp%3D15000%2Csid%3D%226e2fb550-c457-11e9-bb97-0800200c9a66%22%2Ctb%3D6000",
                whole.clone(),
            ),
            (
                "CMCD=bs%2Crtp%3D15000%2Csid%3D%226e2fb550-c457-11e9-bb97-0800200c9a66%22",
                format!(r#"{{"bs":true,"rtp":15000,"sid":"{SID}"}}"#),
            ),
            ("CMCD=bs%2Csu", r#"{"bs":true,"su":true}"#.to_owned()),
            // Custom keys are read and not kept.
            (
                "CMCD=d%3D4004%2Ccom.example-myNumericKey%3D500%2Ccom.example-myStringKey%3D%22myStringValue%22",
                r#"{"d":4004}"#.to_owned(),
            ),
            // The next object's URL is not kept.
            (
                "CMCD=nor%3D%22..%252F300kbps%252Fsegment35.m4v%22%2Cnrr%3D%2212323-48763%22%2Cpr%3D1.08",
                r#"{"pr":1.08}"#.to_owned(),
            ),
        ];
        for (query, expected) in table {
            assert_eq!(Cmcd::from_query(query).unwrap().detail().to_string(), expected, "{query}");
            let among_others = format!("a=1&{query}&CMCD=v%3D9");
            assert_eq!(Cmcd::from_query(&among_others).unwrap().detail().to_string(), expected);
        }
        let mut headers = Cmcd::from_list("br=3200,d=4004,ot=v,tb=6000");
        headers.add_list("mtp=25400");
        headers.add_list("bs,rtp=15000");
        headers.add_list(&format!("sid=\"{SID}\""));
        let expected: Json = serde_json::from_str(&whole).unwrap();
        assert_eq!(headers.detail(), expected);
        assert_eq!(
            (headers.video_bitrate_bps(), headers.is_starved(), headers.session()),
            (Some(3_200_000), true, Some(SID))
        );
    }

    #[test]
    fn version_2_has_lists_states_and_reports() {
        let report = Cmcd::from_list(
            r#"bl=(21300;v 18000;a),br=(5000;v 128;a),e=ps,sta=r,ts=1730000000000,v=2,ec=("E1" "E2"),bs=(?1;v ?0;a)"#,
        );
        assert_eq!(report.number("bl"), Some(21300.0));
        assert_eq!(report.video_bitrate_bps(), Some(5_000_000));
        assert_eq!((report.text("e"), report.text("sta"), report.number("v")), (Some("ps"), Some("r"), Some(2.0)));
        assert_eq!(report.error_codes(), ["E1", "E2"]);
        assert!(report.is_starved());
        let reports = Cmcd::from_reports(
            r#"[{"sid":"s","e":"ps","sta":"p","msd":812,"br":[5000,128],"url":"https://a/play/secret"},{"e":"er","ec":["X"]},7]"#,
        );
        assert_eq!(reports.len(), 2);
        assert_eq!(reports[0].number("msd"), Some(812.0));
        assert_eq!(reports[0].video_bitrate_bps(), Some(5_000_000));
        assert!(!reports[0].detail().to_string().contains("secret"));
        assert_eq!(reports[1].error_codes(), ["X"]);
        let lines = Cmcd::from_reports("sid=\"s\",sta=p\n\nsid=\"s\",sta=e\n");
        assert_eq!(lines.iter().map(|line| line.text("sta").unwrap()).collect::<Vec<_>>(), ["p", "e"]);
        assert_eq!(Cmcd::from_reports("[1,"), []);
    }

    #[test]
    fn nonsense_is_left_out() {
        assert_eq!(Cmcd::from_query("token=1"), None);
        assert_eq!(Cmcd::from_query("XCMCD=br%3D1"), None);
        assert_eq!(Cmcd::from_query(&format!("CMCD={}", "a".repeat(limits::CMCD_BYTES_MAX + 1))), None);
        let report = Cmcd::from_list(r#",,=3,br=,d=4004,<x>=1,sid="never ends,rtp=1"#);
        assert_eq!(report.detail().to_string(), r#"{"d":4004}"#);
        assert_eq!(Cmcd::from_list(r#"cid="a\"b\\c",br=1,br=2"#).detail().to_string(), r#"{"cid":"a\"b\\c","br":2}"#);
        assert_eq!(Cmcd::from_list(&"k,".repeat(10_000)).detail().to_string(), r#"{"k":true}"#);
        let many = (0..10_000).map(|n| format!("k{n}")).collect::<Vec<_>>().join(",");
        assert!(Cmcd::from_list(&many).pairs.len() <= limits::CMCD_KEYS_MAX);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,300}") {
            let _ = Cmcd::from_query(&text);
            let _ = Cmcd::from_list(&text);
            let _ = Cmcd::from_reports(&text);
        }

        #[test]
        fn no_list_panics(text in "[a-c=,;()\" \\\\?0-9.é%]{0,80}") {
            let _ = Cmcd::from_query(&format!("CMCD={text}")).map(|cmcd| cmcd.detail());
            let _ = Cmcd::from_list(&text).detail();
        }
    }
}
