//! One tag of a playlist (RFC 8216bis, 4.2): a name and an attribute list whose values are typed, so that a quote or a
//! line break in a name can never become syntax.

use std::fmt::Write;

/// A tag under construction; attributes appear in the order they are given.
#[derive(Clone, Debug)]
pub struct Tag {
    line: String,
    has_attributes: bool,
}

impl Tag {
    /// `name` without the `#`.
    pub fn new(name: &str) -> Tag {
        Tag { line: format!("#{name}"), has_attributes: false }
    }

    /// A tag whose value is a single number or enumerated string.
    pub fn with_value(name: &str, value: impl std::fmt::Display) -> Tag {
        Tag { line: format!("#{name}:{value}"), has_attributes: true }
    }

    /// A quoted-string attribute. Characters that a quoted string cannot hold become spaces.
    pub fn quoted(self, name: &str, value: &str) -> Tag {
        let clean: String =
            value.chars().map(|letter| if letter == '"' || letter.is_control() { ' ' } else { letter }).collect();
        self.attribute(name, &format!("\"{clean}\""))
    }

    /// A decimal, resolution, hexadecimal or enumerated-string attribute.
    pub fn plain(self, name: &str, value: impl std::fmt::Display) -> Tag {
        self.attribute(name, &value.to_string())
    }

    pub fn yes_no(self, name: &str, value: bool) -> Tag {
        self.attribute(name, if value { "YES" } else { "NO" })
    }

    pub fn write(&self, playlist: &mut String) {
        playlist.push_str(&self.line);
        playlist.push('\n');
    }

    fn attribute(mut self, name: &str, value: &str) -> Tag {
        self.line.push(if self.has_attributes { ',' } else { ':' });
        self.has_attributes = true;
        // Writing to a String cannot fail.
        let _ = write!(self.line, "{name}={value}");
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_separated_and_a_quote_cannot_get_out() {
        let mut playlist = String::new();
        Tag::new("EXT-X-MEDIA")
            .plain("TYPE", "AUDIO")
            .quoted("NAME", "a\",URI=\"x\n")
            .yes_no("DEFAULT", true)
            .write(&mut playlist);
        assert_eq!(playlist, "#EXT-X-MEDIA:TYPE=AUDIO,NAME=\"a ,URI= x \",DEFAULT=YES\n");
        playlist.clear();
        Tag::with_value("EXT-X-VERSION", 6).write(&mut playlist);
        assert_eq!(playlist, "#EXT-X-VERSION:6\n");
    }
}
