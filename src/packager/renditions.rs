//! Which renditions of sound and words a film gets, their ids, names, groups and defaults: pure decisions from what the
//! probe and the scan found.

use crate::media::dolby::DolbyCodec;
use crate::media::rendition::{AudioIndex, AudioRole, TextIndex};
use crate::media::{aac, language};
use crate::packager::probe::{AudioSource, TextSource};
use crate::packager::scan::{AudioFormat, AudioScan};

/// An audio track of the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioPlan {
    pub id: String,
    /// Which of the source's audio streams.
    pub source: usize,
    pub action: AudioAction,
    pub index: AudioIndex,
}

impl AudioPlan {
    pub fn is_copied(&self) -> bool {
        self.action == AudioAction::Copy
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudioAction {
    Copy,
    EncodeStereo,
    /// To 5.1, whatever the source has.
    EncodeSurround,
}

/// The groups that audio tracks are in, in the order that a playlist has them; all but stereo are surround.
const STEREO: &str = "stereo";
const SURROUND: &str = "surround";
const AC3: &str = "ac-3";
const EAC3: &str = "ec-3";
const GROUPS: [&str; 4] = [STEREO, SURROUND, AC3, EAC3];
/// The groups that every player can decode.
pub const AAC_GROUPS: [&str; 2] = [STEREO, SURROUND];

/// What surround becomes that cannot be kept.
pub const ENCODED_SURROUND_CHANNELS: u32 = 6;
pub const ENCODED_SAMPLE_RATE: u32 = 48_000;

/// The audio tracks of the output: of each source stream a stereo one, and of surround another beside it.
pub fn audio_plans(sources: &[AudioSource], scans: &[AudioScan]) -> Vec<AudioPlan> {
    let default = default_source(sources);
    let mut plans: Vec<AudioPlan> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for (place, (source, scan)) in sources.iter().zip(scans).enumerate() {
        let (language, spoken) = language_of(source.language.as_deref());
        let spoken = spoken.unwrap_or_else(|| "Audio".to_owned());
        let name = name_of(source.title.as_deref(), with_role(&spoken, source.role, language.as_deref()));
        // One name in all groups: a player that changes the group finds the rendition again by it.
        let name = apart(&name, " ", |name| names.iter().any(|other| other == name));
        names.push(name.clone());
        let mut add = |action: AudioAction, group: &str, channels, sample_rate, joc_objects| {
            let id = format!("a-{}-{channels}", language.as_deref().unwrap_or("und").to_ascii_lowercase());
            let index = AudioIndex {
                channels,
                sample_rate,
                language: language.clone(),
                name: name.clone(),
                is_default: default == Some(place),
                group: group.to_owned(),
                role: source.role,
                joc_objects,
            };
            plans.push(AudioPlan { id, source: place, action, index });
        };
        let can_copy = scan.copy_obstacle.is_none();
        if can_copy && source.channels <= 2 {
            add(AudioAction::Copy, STEREO, source.channels, source.sample_rate, None);
            continue;
        }
        add(AudioAction::EncodeStereo, STEREO, 2, ENCODED_SAMPLE_RATE, None);
        if can_copy {
            let (group, joc_objects) = match &scan.format {
                Some(AudioFormat::Dolby(config)) if config.codec == DolbyCodec::Ac3 => (AC3, None),
                Some(AudioFormat::Dolby(config)) => (EAC3, config.joc_objects),
                Some(AudioFormat::Aac(_)) | None => (SURROUND, None),
            };
            add(AudioAction::Copy, group, source.channels, source.sample_rate, joc_objects);
        } else if source.channels > 2 {
            add(AudioAction::EncodeSurround, SURROUND, ENCODED_SURROUND_CHANNELS, ENCODED_SAMPLE_RATE, None);
        }
    }
    plans.sort_by_key(|plan| GROUPS.iter().position(|group| *group == plan.index.group));
    for place in 0..plans.len() {
        let (before, rest) = plans.split_at_mut(place);
        let Some(this) = rest.first_mut() else { continue };
        this.id = apart(&this.id, "-", |id| before.iter().any(|other| other.id == id));
    }
    plans
}

/// The sound that plays unasked: what the film says, but the film's own sound where there is any.
fn default_source(sources: &[AudioSource]) -> Option<usize> {
    let is_own = |place: &usize| sources[*place].role == AudioRole::Main;
    let own: Vec<usize> = (0..sources.len()).filter(is_own).collect();
    let eligible = if own.is_empty() { (0..sources.len()).collect() } else { own };
    eligible.iter().copied().find(|&place| sources[place].is_default).or(eligible.first().copied())
}

/// The name of a language, and what else the sound is where nothing else says it.
fn with_role(spoken: &str, role: AudioRole, language: Option<&str>) -> String {
    let is_chinese = language.is_some_and(|tag| tag == "zh" || tag.starts_with("zh-"));
    match (role, is_chinese) {
        (AudioRole::Main, _) => spoken.to_owned(),
        (AudioRole::Commentary, true) => format!("{spoken}（评论音轨）"),
        (AudioRole::Commentary, false) => format!("{spoken} (commentary)"),
        (AudioRole::DescribesVideo, true) => format!("{spoken}（口述影像）"),
        (AudioRole::DescribesVideo, false) => format!("{spoken} (audio description)"),
    }
}

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

/// Samples in a frame of every audio track we encode.
pub const AUDIO_FRAME_SAMPLES: i64 = aac::FRAME_SAMPLES as i64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::dolby::DolbyFrame;

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

    #[test]
    fn surround_that_cannot_be_kept_is_encoded_and_dolby_has_a_group_of_its_own() {
        let sources = [source("eng", 6), source("fre", 8), source("ger", 2)];
        let head = [0x0b, 0x77, 0, 0, 0x1e, 0x40, 0xe1, 0, 0, 0];
        let ac3 = AudioFormat::Dolby(DolbyFrame::read(&head).unwrap().config);
        let scans = [
            AudioScan { format: Some(ac3), ..AudioScan::COPYABLE },
            AudioScan { copy_obstacle: Some("the sound is FLAC, not AAC".into()), ..AudioScan::COPYABLE },
            AudioScan::COPYABLE,
        ];
        let plans = audio_plans(&sources, &scans);
        let seen: Vec<_> = plans
            .iter()
            .map(|plan| (plan.id.as_str(), plan.index.group.as_str(), plan.index.is_default, plan.action))
            .collect();
        assert_eq!(
            seen,
            [
                ("a-en-2", "stereo", true, AudioAction::EncodeStereo),
                ("a-fr-2", "stereo", false, AudioAction::EncodeStereo),
                ("a-de-2", "stereo", false, AudioAction::Copy),
                ("a-fr-6", "surround", false, AudioAction::EncodeSurround),
                ("a-en-6", "ac-3", true, AudioAction::Copy),
            ]
        );
    }

    #[test]
    fn what_is_told_beside_the_film_is_named_and_never_plays_unasked() {
        let told = |language: &str, role| AudioSource { role, is_default: true, ..source(language, 2) };
        let sources = [told("eng", AudioRole::Commentary), source("eng", 2), told("chi", AudioRole::DescribesVideo)];
        let plans = audio_plans(&sources, &[const { AudioScan::COPYABLE }; 3]);
        let seen: Vec<_> = plans.iter().map(|plan| (plan.index.name.as_str(), plan.index.is_default)).collect();
        assert_eq!(seen, [("English (commentary)", false), ("English", true), ("中文（口述影像）", false)]);
        let alone = audio_plans(&sources[..1], &[AudioScan::COPYABLE]);
        assert!(alone[0].index.is_default, "there is nothing else to hear");
    }
}
