//! Time expressions (TTML1, 10.3): `00:01:02.5`, `00:01:02:12` with frames, `62.5s`, `1500ms`, `1560f`, `90000t`.

use crate::base::xml::Element;
use crate::media::ttml::is_parameter;

/// The time base is the clock on the wall.
pub struct TimeBaseError;

/// What a document's parameters say of its times.
#[derive(Debug)]
pub struct Times {
    /// Frames per second as time code counts them.
    frame_rate: u64,
    /// And as they pass.
    frames_per_s: f64,
    sub_frame_rate: u64,
    ticks_per_s: f64,
    code: Option<TimeCode>,
    /// Of a programme whose time code does not begin at 0.
    begins_us: u64,
}

/// Time that counts frames (`ttp:timeBase="smpte"`), by which of them it leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TimeCode {
    NonDrop,
    /// The first two frames of a minute, except every tenth.
    DropNtsc,
    /// The first four frames of every second minute, except every twentieth.
    DropPal,
}

impl Times {
    pub fn of(root: &Element) -> Result<Times, TimeBaseError> {
        let parameter = |name: &str| root.attribute_in(is_parameter, name);
        let number = |name: &str| parameter(name).and_then(|text| text.parse::<u64>().ok()).filter(|rate| *rate > 0);
        let frame_rate = number("frameRate").unwrap_or(30);
        let multiplier = parameter("frameRateMultiplier").and_then(|text| {
            let mut parts = text.split([' ', ':']).filter_map(|part| part.parse::<u32>().ok());
            let (numerator, denominator) = (parts.next()?, parts.next().unwrap_or(1));
            (numerator > 0 && denominator > 0).then(|| f64::from(numerator) / f64::from(denominator))
        });
        let frames_per_s = frame_rate as f64 * multiplier.unwrap_or(1.0);
        let sub_frame_rate = number("subFrameRate").unwrap_or(1);
        let implied = number("frameRate").map_or(1.0, |_| frames_per_s * sub_frame_rate as f64);
        let ticks_per_s = number("tickRate").map_or(implied, |rate| rate as f64);
        let code = match (parameter("timeBase"), parameter("dropMode")) {
            (Some("clock"), _) => return Err(TimeBaseError),
            (Some("smpte"), Some("dropNTSC")) => Some(TimeCode::DropNtsc),
            (Some("smpte"), Some("dropPAL")) => Some(TimeCode::DropPal),
            (Some("smpte"), _) => Some(TimeCode::NonDrop),
            _ => None,
        };
        let mut times = Times { frame_rate, frames_per_s, sub_frame_rate, ticks_per_s, code, begins_us: 0 };
        // EBU-TT (EBU Tech 3350): the time code of the programme's first frame.
        let begins = code.and_then(|_| descendant(root, "documentStartOfProgramme"));
        times.begins_us = begins.and_then(|begins| times.parse(&begins.text())).unwrap_or(0);
        Ok(times)
    }

    /// Microseconds; nothing where the text has none of the forms.
    pub fn parse(&self, text: &str) -> Option<u64> {
        let text = text.trim();
        let seconds = if text.contains(':') { self.clock(text)? } else { self.offset(text)? };
        Some(((seconds * 1e6).round() as u64).saturating_sub(if text.contains(':') { self.begins_us } else { 0 }))
    }

    /// `hh:mm:ss`, `hh:mm:ss.fraction`, `hh:mm:ss:frames` or `hh:mm:ss:frames.sub-frames`.
    fn clock(&self, text: &str) -> Option<f64> {
        let mut parts = text.split(':');
        let (hours, minutes) = (whole(parts.next()?)?, whole(parts.next()?)?);
        let seconds = parts.next()?;
        let frames = parts.next();
        if parts.next().is_some() {
            return None;
        }
        let minutes = hours * 60 + minutes;
        let Some(frames) = frames else {
            let seconds = decimal(seconds)?;
            return Some(match self.code {
                None => minutes as f64 * 60.0 + seconds,
                Some(_) => self.counted(minutes, seconds.trunc() as u64, seconds.fract() * self.frame_rate as f64),
            });
        };
        let (frames, sub_frames) = frames.split_once('.').unwrap_or((frames, "0"));
        let frames = whole(frames)? as f64 + whole(sub_frames)? as f64 / self.sub_frame_rate as f64;
        let seconds = whole(seconds)?;
        Some(match self.code {
            None => (minutes * 60 + seconds) as f64 + frames / self.frames_per_s,
            Some(_) => self.counted(minutes, seconds, frames),
        })
    }

    /// Seconds at a time code (TTML1, appendix N.2).
    fn counted(&self, minutes: u64, seconds: u64, frames: f64) -> f64 {
        let dropped = match self.code {
            Some(TimeCode::DropNtsc) => (minutes - minutes / 10) * 2,
            Some(TimeCode::DropPal) => (minutes / 2 - minutes / 20) * 4,
            Some(TimeCode::NonDrop) | None => 0,
        };
        let counted = ((minutes * 60 + seconds) * self.frame_rate) as f64 + frames - dropped as f64;
        (counted / self.frames_per_s).max(0.0)
    }

    /// A number and its unit.
    fn offset(&self, text: &str) -> Option<f64> {
        let unit = text.find(|letter: char| letter.is_ascii_alphabetic())?;
        let count = decimal(&text[..unit])?;
        match &text[unit..] {
            "h" => Some(count * 3600.0),
            "m" => Some(count * 60.0),
            "s" => Some(count),
            "ms" => Some(count / 1000.0),
            "f" => Some(count / self.frames_per_s),
            "t" => Some(count / self.ticks_per_s),
            _ => None,
        }
    }
}

/// Digits of at most a billion.
fn whole(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.len() <= 9 && text.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// Digits and, perhaps, a fraction.
fn decimal(text: &str) -> Option<f64> {
    let (before, after) = text.split_once('.').unwrap_or((text, "0"));
    let has_digits = |part: &str| !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit());
    (has_digits(before) && has_digits(after) && before.len() <= 15).then(|| text.parse().ok()).flatten()
}

fn descendant<'a>(element: &'a Element, name: &str) -> Option<&'a Element> {
    let head = element.elements().find(|child| child.name == "head")?;
    let mut open: Vec<&Element> = head.elements().collect();
    while let Some(element) = open.pop() {
        if element.name == name {
            return Some(element);
        }
        open.extend(element.elements());
    }
    None
}
