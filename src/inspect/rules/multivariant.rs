//! The Multivariant Playlist: its groups among themselves, and what it says of each variant against what was read.

use crate::inspect::check;
use crate::inspect::playlist::{Multivariant, Tagged};
use crate::inspect::presentation::{LoadedPlaylist, Presentation, SegmentForm};
use crate::inspect::report::Findings;
use crate::inspect::rules::media::frame_rates;
use crate::inspect::sample_entry::{EntryMedia, SampleEntry, is_same_codec};
use crate::media::rate::{average_bits_per_s, peak_bits_per_s};

/// What a declared rate may be off (Apple HLS Authoring).
const RATE_SLACK: f64 = 0.1;
/// Bits per second below which a rate is nothing that a client chooses by.
const RATE_SMALL: f64 = 5_000.0;
/// FRAME-RATE has three decimals, and a film may pause.
const FRAME_RATE_SLACK: f64 = 0.01;

struct Rules<'a> {
    /// The Multivariant Playlist's name.
    subject: &'a str,
    multivariant: &'a Multivariant,
    playlists: &'a [LoadedPlaylist],
    findings: &'a mut Findings,
}

pub fn check(presentation: &Presentation, multivariant: &Multivariant, findings: &mut Findings) {
    let (subject, playlists) = (presentation.subject.as_str(), presentation.playlists.as_slice());
    let mut rules = Rules { subject, multivariant, playlists, findings };
    rules.check_renditions();
    for variant in &multivariant.variants {
        rules.check_variant(variant);
    }
    for variant in &multivariant.iframe_variants {
        rules.check_iframe_variant(variant);
    }
    rules.check_all_or_none(check::SCORE_PARTIAL, |variant| variant.attributes.float("SCORE").is_some());
    let has_no_captions = |variant: &Tagged| variant.attributes.plain("CLOSED-CAPTIONS") == Some("NONE");
    rules.check_all_or_none(check::CLOSED_CAPTIONS_PARTIAL, has_no_captions);
    let has_video = playlists.iter().any(|playlist| playlist.is_video() && !playlist.media.is_iframes_only);
    if has_video && multivariant.iframe_variants.is_empty() {
        rules.findings.note(check::IFRAMES_MISSING, subject, "", "It has no EXT-X-I-FRAME-STREAM-INF.".to_owned());
    }
}

impl Rules<'_> {
    fn note(&mut self, check: &'static check::Check, tagged: &Tagged, message: String) {
        self.findings.note(check, self.subject, format_args!(":{}", tagged.line), message);
    }

    fn check_all_or_none(&mut self, check: &'static check::Check, has: impl Fn(&Tagged) -> bool) {
        let variants = &self.multivariant.variants;
        let having = variants.iter().filter(|variant| has(variant)).count();
        if having != 0 && having != variants.len() {
            let message = format!("{having} of {} variants have it.", variants.len());
            self.findings.note(check, self.subject, "", message);
        }
    }

    fn playlist(&self, tagged: &Tagged) -> Option<&LoadedPlaylist> {
        let uri = tagged.uri.as_ref()?;
        self.playlists.iter().find(|playlist| playlist.uri == *uri)
    }

    fn group<'m>(&'m self, kind: &'m str, id: &'m str) -> impl Iterator<Item = &'m Tagged> {
        self.multivariant.renditions.iter().filter(move |rendition| {
            rendition.attributes.plain("TYPE") == Some(kind) && rendition.attributes.quoted("GROUP-ID") == Some(id)
        })
    }

    fn check_renditions(&mut self) {
        let renditions = &self.multivariant.renditions;
        for (place, rendition) in renditions.iter().enumerate() {
            let attributes = &rendition.attributes;
            let kind = attributes.plain("TYPE").unwrap_or_default();
            let siblings = renditions[..place].iter().filter(|other| {
                other.attributes.plain("TYPE") == Some(kind)
                    && other.attributes.quoted("GROUP-ID") == attributes.quoted("GROUP-ID")
            });
            let siblings: Vec<&Tagged> = siblings.collect();
            let name = attributes.quoted("NAME");
            if name.is_some() && siblings.iter().any(|other| other.attributes.quoted("NAME") == name) {
                self.note(
                    check::GROUP_NAME_DUPLICATE,
                    rendition,
                    format!("{:?} comes again.", name.unwrap_or_default()),
                );
            }
            let is_default = attributes.is_yes("DEFAULT");
            if is_default && siblings.iter().any(|other| other.attributes.is_yes("DEFAULT")) {
                self.note(check::GROUP_DEFAULT_DUPLICATE, rendition, "It is the second.".to_owned());
            }
            if is_default && attributes.plain("AUTOSELECT") == Some("NO") {
                self.note(check::DEFAULT_NOT_AUTOSELECT, rendition, "It says so.".to_owned());
            }
            let traits = |tagged: &Tagged| {
                let quoted = |name| tagged.attributes.quoted(name).unwrap_or_default().to_ascii_lowercase();
                let words = ["LANGUAGE", "ASSOC-LANGUAGE", "CHARACTERISTICS", "CHANNELS"].map(quoted);
                (words, tagged.attributes.is_yes("FORCED"))
            };
            let is_alike =
                |other: &&&Tagged| other.attributes.is_yes("AUTOSELECT") && traits(other) == traits(rendition);
            if attributes.is_yes("AUTOSELECT")
                && let Some(other) = siblings.iter().find(is_alike)
            {
                self.note(
                    check::AUTOSELECT_AMBIGUOUS,
                    rendition,
                    format!("It does not differ from line {}.", other.line),
                );
            }
            if attributes.plain("FORCED").is_some() && kind != "SUBTITLES" {
                self.note(check::FORCED_NOT_SUBTITLES, rendition, format!("Its type is {kind}."));
            }
            match attributes.quoted("LANGUAGE") {
                Some(tag) if !is_language_tag(tag) => {
                    self.note(check::LANGUAGE_INVALID, rendition, format!("{tag:?} is none."));
                }
                None if matches!(kind, "AUDIO" | "SUBTITLES") => {
                    self.note(check::LANGUAGE_MISSING, rendition, "It says none.".to_owned());
                }
                _ => {}
            }
            self.check_stable_id(rendition, "STABLE-RENDITION-ID");
            if kind == "AUDIO" {
                self.check_channels(rendition);
            }
        }
    }

    fn check_stable_id(&mut self, tagged: &Tagged, name: &str) {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=.-_".contains(&byte);
        if tagged.attributes.quoted(name).is_some_and(|id| !id.bytes().all(is_allowed)) {
            self.note(check::STABLE_ID_INVALID, tagged, format!("{name} has other characters."));
        }
    }

    fn check_channels(&mut self, rendition: &Tagged) {
        let entry = self.playlist(rendition).and_then(LoadedPlaylist::init).and_then(|init| init.entry.as_ref());
        let Some(EntryMedia::Audio { channels, .. }) = entry.map(|entry| &entry.media) else { return };
        let channels = u64::from(*channels);
        let said = rendition.attributes.quoted("CHANNELS").map(|said| said.split('/').next().unwrap_or_default());
        match said.map(str::parse::<u64>) {
            None => self.note(check::CHANNELS_MISSING, rendition, format!("The audio has {channels}.")),
            Some(said) if said != Ok(channels) => {
                let said = rendition.attributes.quoted("CHANNELS").unwrap_or_default();
                self.note(check::CHANNELS_WRONG, rendition, format!("It says {said:?}, and the audio has {channels}."));
            }
            Some(_) => {}
        }
    }

    fn check_variant(&mut self, variant: &Tagged) {
        let attributes = &variant.attributes;
        self.check_stable_id(variant, "STABLE-VARIANT-ID");
        for kind in ["AUDIO", "VIDEO", "SUBTITLES"] {
            if let Some(id) = attributes.quoted(kind).filter(|id| self.group(kind, id).next().is_none()) {
                // What belongs to this variant is not known.
                self.note(check::GROUP_UNKNOWN, variant, format!("There is no {kind} rendition in {id:?}."));
                return;
            }
        }
        let own = self.playlist(variant);
        let members = |attribute: &str| -> Vec<&LoadedPlaylist> {
            let named = attributes.quoted(attribute);
            named
                .into_iter()
                .flat_map(|id| self.group(attribute, id))
                .filter_map(|tagged| self.playlist(tagged))
                .collect()
        };
        let (audio, subtitles) = (members("AUDIO"), members("SUBTITLES"));
        let Some(own) = own else { return };
        let mut notes: Vec<(&'static check::Check, String)> = Vec::new();
        check_codecs(variant, std::iter::once(own).chain(audio.iter().copied()), &mut notes);
        check_picture(variant, own, &mut notes);
        check_frame_rate(variant, own, &mut notes);
        let largest = |playlists: &[&LoadedPlaylist], rate: fn(&LoadedPlaylist) -> Option<f64>| {
            playlists.iter().map(|playlist| rate(playlist)).try_fold(0.0_f64, |most, rate| Some(most.max(rate?)))
        };
        let sum = |rate: fn(&LoadedPlaylist) -> Option<f64>| {
            let others = audio.iter().chain(&subtitles).filter(|playlist| playlist.uri != own.uri).count();
            let rest = if others == 0 { 0.0 } else { largest(&audio, rate)? + largest(&subtitles, rate)? };
            Some(rate(own)? + rest)
        };
        check_rate(variant, "BANDWIDTH", check::BANDWIDTH_WRONG, sum(peak), &mut notes);
        if attributes.integer("AVERAGE-BANDWIDTH").is_none() {
            notes.push((check::AVERAGE_BANDWIDTH_MISSING, "It says none.".to_owned()));
        }
        check_rate(variant, "AVERAGE-BANDWIDTH", check::AVERAGE_BANDWIDTH_WRONG, sum(average), &mut notes);
        for (check, message) in notes {
            self.note(check, variant, message);
        }
    }

    fn check_iframe_variant(&mut self, variant: &Tagged) {
        self.check_stable_id(variant, "STABLE-VARIANT-ID");
        let own = self.playlist(variant).filter(|playlist| playlist.media.is_iframes_only);
        let Some(own) = own else { return };
        let mut notes = Vec::new();
        check_codecs(variant, std::iter::once(own), &mut notes);
        check_picture(variant, own, &mut notes);
        check_rate(variant, "BANDWIDTH", check::BANDWIDTH_WRONG, peak(own), &mut notes);
        for (check, message) in notes {
            self.note(check, variant, message);
        }
    }
}

/// Whether this has the form of a language tag (RFC 5646, 2.1).
fn is_language_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let is_primary = |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_further =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    parts.next().is_some_and(is_primary) && parts.all(is_further)
}

type Notes = Vec<(&'static check::Check, String)>;

fn check_codecs<'a>(variant: &Tagged, playlists: impl Iterator<Item = &'a LoadedPlaylist>, notes: &mut Notes) {
    let mut found: Vec<&str> = Vec::new();
    let mut is_known = true;
    for playlist in playlists {
        let inits: Vec<_> = playlist.inits.iter().collect();
        is_known &= playlist.form == SegmentForm::FragmentedMp4 && !inits.is_empty();
        for init in inits {
            match init.as_ref().and_then(|init| init.entry.as_ref()).and_then(|entry| entry.codec.as_deref()) {
                Some(codec) if !found.contains(&codec) => found.push(codec),
                Some(_) => {}
                None => is_known = false,
            }
        }
    }
    let Some(said) = variant.attributes.quoted("CODECS") else {
        notes.push((check::CODECS_MISSING, format!("The media are {}.", found.join(","))));
        return;
    };
    let said: Vec<&str> = said.split(',').map(str::trim).collect();
    let missing = found.iter().find(|found| !said.iter().any(|said| is_same_codec(said, found)));
    // Words need not be named, and may be.
    let foreign = said.iter().find(|said| {
        let is_text = matches!(**said, "wvtt" | "stpp" | "stpp.ttml.im1t");
        !is_text && !found.iter().any(|found| is_same_codec(said, found))
    });
    if let Some(codec) = missing {
        notes.push((check::CODECS_WRONG, format!("It does not name {codec}, which is there.")));
    } else if let Some(codec) = foreign.filter(|_| is_known) {
        notes.push((check::CODECS_WRONG, format!("It names {codec}, which is not there.")));
    }
}

fn check_picture(variant: &Tagged, own: &LoadedPlaylist, notes: &mut Notes) {
    let Some(init) = own.init().filter(|init| init.is_video()) else { return };
    let sizes = init.sizes();
    match variant.attributes.resolution() {
        None => notes.push((check::RESOLUTION_MISSING, "It says none.".to_owned())),
        Some(said) if !sizes.contains(&said) => {
            let message = format!("It says {}x{}, and the video is {}x{}.", said.0, said.1, sizes[0].0, sizes[0].1);
            notes.push((check::RESOLUTION_WRONG, message));
        }
        Some(_) => {}
    }
    let said = variant.attributes.plain("VIDEO-RANGE").unwrap_or("SDR");
    if let Some(range) = init.entry.as_ref().and_then(SampleEntry::video_range)
        && range != said
    {
        notes.push((check::VIDEO_RANGE_WRONG, format!("It says {said}, and the video is {range}.")));
    }
}

/// What is said lies between the average rate and that of the shortest sample.
fn check_frame_rate(variant: &Tagged, own: &LoadedPlaylist, notes: &mut Notes) {
    let Some((average, highest)) = frame_rates(own).filter(|_| own.is_video()) else { return };
    match variant.attributes.float("FRAME-RATE") {
        None => notes.push((check::FRAME_RATE_MISSING, "It says none.".to_owned())),
        Some(said) => {
            let range = average * (1.0 - FRAME_RATE_SLACK) - DECIMAL..=highest * (1.0 + FRAME_RATE_SLACK) + DECIMAL;
            if !range.contains(&said) {
                let message = format!("It says {said:.3}, and the video has {average:.3} a second.");
                notes.push((check::FRAME_RATE_WRONG, message));
            }
        }
    }
}

/// The last digit of FRAME-RATE.
const DECIMAL: f64 = 0.001;

fn check_rate(variant: &Tagged, name: &str, check: &'static check::Check, measured: Option<f64>, notes: &mut Notes) {
    let (Some(said), Some(measured)) = (variant.attributes.integer(name), measured) else { return };
    let off = (said as f64 - measured).abs();
    if off > measured * RATE_SLACK && off > RATE_SMALL {
        notes.push((check, format!("It says {said}, and {measured:.0} was measured.")));
    }
}

fn rated(playlist: &LoadedPlaylist) -> Option<Vec<(u64, f64)>> {
    let segments = playlist.media.segments.iter().zip(&playlist.segments);
    segments.map(|(said, loaded)| Some((loaded.bytes()?, said.duration_s))).collect()
}

/// Of everything that could be read; `None` where something could not.
fn peak(playlist: &LoadedPlaylist) -> Option<f64> {
    let target = playlist.media.target_duration_s? as f64;
    rated(playlist).map(|segments| peak_bits_per_s(&segments, target))
}

fn average(playlist: &LoadedPlaylist) -> Option<f64> {
    rated(playlist).map(|segments| average_bits_per_s(&segments))
}
