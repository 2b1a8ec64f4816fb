//! Which renditions of sound and words a film gets, their ids, names, groups and defaults: pure decisions from what the
//! probe and the scan found.

use crate::media::rendition::{AudioIndex, TextIndex};
use crate::media::{aac, language};
use crate::packager::probe::{AudioSource, TextSource};
use crate::packager::scan::AudioScan;

/// An audio track of the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioPlan {
    pub id: String,
    /// Which of the source's audio streams.
    pub source: usize,
    pub action: AudioAction,
    pub index: AudioIndex,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudioAction {
    Copy,
    EncodeStereo,
}

/// The audio tracks of the output: a stereo one of each source stream, and its surround original beside it.
pub fn audio_plans(sources: &[AudioSource], scans: &[AudioScan]) -> Vec<AudioPlan> {
    let mut plans: Vec<AudioPlan> = Vec::new();
    for (place, (source, scan)) in sources.iter().zip(scans).enumerate() {
        let can_copy = scan.copy_obstacle.is_none();
        if can_copy && source.channels <= 2 {
            plans.push(plan(place, source, AudioAction::Copy, source.channels, source.sample_rate));
        } else {
            plans.push(plan(place, source, AudioAction::EncodeStereo, 2, 48_000));
            if can_copy {
                plans.push(plan(place, source, AudioAction::Copy, source.channels, source.sample_rate));
            }
        }
    }
    plans.sort_by_key(|plan| plan.index.group == SURROUND);
    name_apart(&mut plans);
    plans
}

const STEREO: &str = "stereo";
const SURROUND: &str = "surround";

/// A text track of the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPlan {
    pub id: String,
    /// Which of the source's text tracks.
    pub source: usize,
    pub index: TextIndex,
}

/// Every text track of the source, under a name of its own.
pub fn text_plans(sources: &[TextSource]) -> Vec<TextPlan> {
    let mut plans: Vec<TextPlan> = Vec::new();
    for (place, source) in sources.iter().enumerate() {
        let (tag, spoken) = language_of(source.language.as_deref());
        let id = format!("t-{}", tag.as_deref().unwrap_or("und").to_ascii_lowercase());
        let id = apart(&id, "-", |id| plans.iter().any(|other| other.id == id));
        let name = name_of(source.title.as_deref(), spoken.unwrap_or_else(|| "Subtitles".to_owned()));
        let name = apart(&name, " ", |name| plans.iter().any(|other| other.index.name == name));
        let (is_forced, describes_sound) = (source.is_forced, source.describes_sound);
        let index = TextIndex { language: tag, name, is_forced, describes_sound };
        plans.push(TextPlan { id, source: place, index });
    }
    plans
}

/// `name`, or `name` with the first number from 2 behind it that is not taken.
fn apart(name: &str, between: &str, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(name) {
        return name.to_owned();
    }
    let mut number = 2;
    loop {
        let numbered = format!("{name}{between}{number}");
        if !is_taken(&numbered) {
            return numbered;
        }
        number += 1;
    }
}

/// The BCP 47 tag of a container's language code, and its name where it is known. A code that the table lacks is a tag as
/// it stands where it has the form of one; what has not says nothing.
fn language_of(code: Option<&str>) -> (Option<String>, Option<String>) {
    let Some(code) = code.filter(|code| language::is_tag(code)) else { return (None, None) };
    let (primary, rest) = code.split_once('-').map_or((code, ""), |(primary, rest)| (primary, rest));
    let known = language::from_code(primary);
    let primary = known.map_or_else(|| primary.to_ascii_lowercase(), |known| known.tag.to_owned());
    let tag = if rest.is_empty() { primary } else { format!("{primary}-{rest}") };
    let name = language::chinese(&tag).or(known.map(|known| known.name)).unwrap_or(&tag).to_owned();
    (Some(tag), Some(name))
}

/// What a viewer reads: the track's own title, or else this.
fn name_of(title: Option<&str>, otherwise: String) -> String {
    let name = title.filter(|title| !title.trim().is_empty()).map_or(otherwise, str::to_owned);
    name.chars().take(100).collect()
}

fn plan(place: usize, source: &AudioSource, action: AudioAction, channels: u32, sample_rate: u32) -> AudioPlan {
    let (tag, spoken) = language_of(source.language.as_deref());
    let name = name_of(source.title.as_deref(), spoken.unwrap_or_else(|| "Audio".to_owned()));
    let group = if channels > 2 { SURROUND } else { STEREO };
    AudioPlan {
        id: format!("a-{}-{channels}", tag.as_deref().unwrap_or("und").to_ascii_lowercase()),
        source: place,
        action,
        index: AudioIndex {
            channels,
            sample_rate,
            language: tag,
            name,
            is_default: source.is_default,
            group: group.to_owned(),
        },
    }
}

/// Makes ids unique, names unique within a group, and exactly one track of each group the default.
fn name_apart(plans: &mut [AudioPlan]) {
    for place in 0..plans.len() {
        let (before, rest) = plans.split_at_mut(place);
        let Some(this) = rest.first_mut() else { continue };
        this.id = apart(&this.id, "-", |id| before.iter().any(|other| other.id == id));
        let group = &this.index.group;
        this.index.name = apart(&this.index.name, " ", |name| {
            before.iter().any(|other| other.index.group == *group && other.index.name == name)
        });
    }
    for group in [STEREO, SURROUND] {
        let mut members: Vec<&mut AudioIndex> =
            plans.iter_mut().map(|plan| &mut plan.index).filter(|index| index.group == group).collect();
        let chosen = members.iter().position(|index| index.is_default).unwrap_or(0);
        for (place, index) in members.iter_mut().enumerate() {
            index.is_default = place == chosen;
        }
    }
}

/// Samples in a frame of every audio track we write.
pub const AUDIO_FRAME_SAMPLES: i64 = aac::FRAME_SAMPLES as i64;

#[cfg(test)]
mod tests {
    use super::*;

    fn source(language: &str, channels: u32) -> AudioSource {
        AudioSource::for_test(language, channels)
    }

    #[test]
    fn ids_stay_apart_whatever_the_languages_are_called() {
        let sources = [source("en-2", 2), source("eng", 2), source("eng", 2), source("a_b", 2)];
        let plans = audio_plans(&sources, &[const { AudioScan::COPYABLE }; 4]);
        let ids: Vec<&str> = plans.iter().map(|plan| plan.id.as_str()).collect();
        assert_eq!(ids, ["a-en-2-2", "a-en-2", "a-en-2-3", "a-und-2"]);
    }

    #[test]
    fn surround_is_kept_beside_stereo_and_languages_are_told_apart() {
        let sources = [source("eng", 6), source("ger", 2), source("eng", 2)];
        let scans = [const { AudioScan::COPYABLE }; 3];
        let plans = audio_plans(&sources, &scans);
        let seen: Vec<_> = plans
            .iter()
            .map(|plan| {
                (
                    plan.id.as_str(),
                    plan.index.name.as_str(),
                    plan.index.group.as_str(),
                    plan.index.is_default,
                    plan.action,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("a-en-2", "English", "stereo", true, AudioAction::EncodeStereo),
                ("a-de-2", "Deutsch", "stereo", false, AudioAction::Copy),
                ("a-en-2-2", "English 2", "stereo", false, AudioAction::Copy),
                ("a-en-6", "English", "surround", true, AudioAction::Copy),
            ]
        );
    }
}
