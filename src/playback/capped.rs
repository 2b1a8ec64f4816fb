//! A film under the caps of a session: what is kept back is in no playlist, and is not there for whoever asks for it by
//! its name.

use std::collections::BTreeSet;

use crate::base::error::{Error, ErrorKind, Result};
use crate::media::growth::Growth;
use crate::media::rendition::{AssetIndex, TrackMedia};
use crate::media::selection::{self, pictures, pixels};
use crate::rights::caps::Caps;
use crate::rights::denial::DenialCode;
use crate::rights::language_terms::TrackUse;

/// What may be shown of a film; `Forbidden` (`LANGUAGE_HELD_BACK`) where it has sound and none of it may be heard.
pub fn of_film(film: &AssetIndex, caps: &Caps) -> Result<AssetIndex> {
    let kept = kept(&selection::tracks(film).collect::<Vec<_>>(), caps)?;
    Ok(selection::of_film(film, |track| kept.contains(track.id.as_str())))
}

/// The same of a film that is being made, once there is something of it: what will be there decides, not what is.
pub fn of_growth(growth: &Growth, caps: &Caps) -> Result<Growth> {
    let planned = growth.planned.iter().map(|(id, media)| (id.as_str(), media));
    let all: Vec<_> = planned.chain(selection::tracks(&growth.index)).collect();
    let kept = kept(&all, caps)?;
    let is_kept = |id: &str| kept.contains(id);
    let index = selection::of_film(&growth.index, |track| is_kept(&track.id));
    let has_sound = |index: &AssetIndex| index.audio().next().is_some();
    if index.video().next().is_none() || (has_sound(&growth.index) && !has_sound(&index)) {
        return Err(not_ready());
    }
    Ok(Growth {
        index,
        whole: growth.whole.iter().filter(|id| is_kept(id)).cloned().collect(),
        planned: growth.planned.iter().filter(|(id, _)| is_kept(id)).cloned().collect(),
        ..growth.clone()
    })
}

fn kept<'a>(all: &[(&'a str, &'a TrackMedia)], caps: &Caps) -> Result<BTreeSet<&'a str>> {
    let mut kept = pictures(all.iter().copied(), |video| pixels(video) <= caps.format_profile.pixels_max());
    let may = |language: &Option<String>, track| {
        caps.languages.as_ref().is_none_or(|terms| terms.let_out(language.as_deref(), track))
    };
    let (mut is_silent, mut is_heard) = (true, false);
    for (id, media) in all {
        let is_kept = match media {
            TrackMedia::Video(_) => continue,
            TrackMedia::Audio(audio) => {
                let is_kept = may(&audio.language, TrackUse::Heard);
                (is_silent, is_heard) = (false, is_heard || is_kept);
                is_kept
            }
            TrackMedia::Text(text) => may(&text.language, TrackUse::Read),
        };
        if is_kept {
            kept.insert(id);
        }
    }
    if !is_silent && !is_heard {
        let code = DenialCode::LanguageHeldBack;
        return Err(Error::new(ErrorKind::Forbidden, code.as_str(), code.message()));
    }
    Ok(kept)
}

fn not_ready() -> Error {
    let message = "This film is being prepared, and what may be shown of it here is not there yet. Try again in some \
                   minutes.";
    Error::new(ErrorKind::Unavailable, "RENDITION_NOT_READY", message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::drm::contract::TrackType;
    use crate::hls::build::{Form, multivariant};
    use crate::media::rendition::{AudioIndex, AudioRole, TextIndex, TrackIndex, VideoIndex, VideoRange};
    use crate::media::time::Timescale;
    use crate::media::timeline::Timeline;
    use crate::rights::caps::FormatProfile;
    use crate::rights::language_terms::LanguageTerms;

    const LANGUAGES: [&str; 6] = ["zh", "zh-Hant", "yue", "en", "fr-CA", "und"];

    fn track(id: String, media: TrackMedia) -> TrackIndex {
        TrackIndex {
            id,
            codec: "avc1.64001E".into(),
            timescale: Timescale::MILLISECONDS,
            init_bytes: 700,
            start_ticks: 0,
            peak_bits_per_s: 1,
            average_bits_per_s: 1,
            media,
            segments: Vec::new(),
        }
    }

    fn video(width: u32, height: u32) -> TrackIndex {
        let video = VideoIndex { width, height, frame_rate_milli: 25_000, video_range: VideoRange::Sdr };
        track(format!("v{height}"), TrackMedia::Video(video))
    }

    fn declared(language: &str) -> Option<String> {
        (language != "und").then(|| language.to_owned())
    }

    fn audio(language: &str, is_default: bool) -> TrackIndex {
        let media = TrackMedia::Audio(AudioIndex {
            channels: 2,
            sample_rate: 48_000,
            language: declared(language),
            name: format!("sound in {language}"),
            is_default,
            group: "stereo".into(),
            role: AudioRole::Main,
            joc_objects: None,
        });
        track(format!("a-{}-2", language.to_lowercase()), media)
    }

    fn text(language: &str) -> TrackIndex {
        let media = TrackMedia::Text(TextIndex {
            language: declared(language),
            name: format!("words in {language}"),
            is_forced: false,
            describes_sound: false,
        });
        track(format!("t-{}", language.to_lowercase()), media)
    }

    fn film() -> AssetIndex {
        let sound = [audio("en", true), audio("zh", false), audio("und", false)];
        let video = [video(1920, 804), video(1280, 536), video(854, 358)];
        AssetIndex::new(video.into_iter().chain(sound).chain([text("zh-Hant"), text("en")]).collect())
    }

    fn list(text: &str) -> Vec<crate::rights::language_terms::LanguageUse> {
        text.split_whitespace().map(|entry| entry.parse().unwrap()).collect()
    }

    fn ids(index: &AssetIndex) -> Vec<&str> {
        index.tracks.iter().map(|track| track.id.as_str()).collect()
    }

    #[test]
    fn what_is_kept_back_is_not_there() {
        let of = |languages: Option<LanguageTerms>, format_profile| {
            of_film(&film(), &Caps { languages, format_profile }).map_err(|error| error.code())
        };
        let index = of(Some(LanguageTerms::Allow(list("zh"))), FormatProfile::Hd).unwrap();
        assert_eq!(ids(&index), ["v804", "v536", "v358", "a-zh-2", "t-zh-hant"]);
        assert!(index.audio().next().unwrap().1.is_default, "players begin with it");
        let index = of(Some(LanguageTerms::HoldBack(list("zh:sub en:dub"))), FormatProfile::Sd).unwrap();
        assert_eq!(ids(&index), ["v358", "a-zh-2", "a-und-2", "t-en"]);
        assert_eq!(of(Some(LanguageTerms::Allow(list("fr"))), FormatProfile::Uhd), Err("LANGUAGE_HELD_BACK"));
        assert_eq!(of(Some(LanguageTerms::HoldBack(list("en zh"))), FormatProfile::Uhd).unwrap().audio().count(), 1);
        let silent = AssetIndex::new(vec![video(1920, 1080), text("en")]);
        let caps = Caps { languages: Some(LanguageTerms::Allow(list("zh"))), format_profile: FormatProfile::Sd };
        assert_eq!(ids(&of_film(&silent, &caps).unwrap()), ["v1080"], "the smallest picture stays");
    }

    #[test]
    fn a_class_of_pictures_is_one_of_keys() {
        for (width, height) in [(1024, 576), (1024, 577), (1920, 1080), (1921, 1080), (1280, 536), (3840, 2160)] {
            let fits = |format: FormatProfile| u64::from(width) * u64::from(height) <= format.pixels_max();
            let class = TrackType::of_video(width, height);
            assert_eq!(fits(FormatProfile::Sd), class == TrackType::Sd, "{width}x{height}");
            assert_eq!(fits(FormatProfile::Hd), class != TrackType::Uhd, "{width}x{height}");
        }
    }

    #[test]
    fn of_a_film_that_grows_nothing_is_shown_that_will_be_kept_back() {
        let caps = |languages: &str, format_profile| Caps {
            languages: (!languages.is_empty()).then(|| LanguageTerms::Allow(list(languages))),
            format_profile,
        };
        let whole = film();
        let planned: Vec<_> = whole.tracks.iter().map(|track| (track.id.clone(), track.media.clone())).collect();
        let growth = |ids: &[&str]| {
            let there = |track: &&TrackIndex| ids.contains(&track.id.as_str());
            Growth {
                index: AssetIndex::new(whole.tracks.iter().filter(there).cloned().collect()),
                whole: ids.iter().map(|&id| id.to_owned()).collect(),
                target_s: 6,
                film_ms: 6000,
                planned: planned.clone(),
            }
        };
        let of = |ids: &[&str], caps: &Caps| {
            let grown = of_growth(&growth(ids), caps).map_err(|error| error.code())?;
            assert_eq!(grown.whole.len(), grown.index.tracks.len());
            Ok(grown.index.tracks.into_iter().map(|track| track.id).collect::<Vec<_>>().join(" "))
        };
        let sd = caps("", FormatProfile::Sd);
        assert_eq!(of(&["v804", "a-en-2"], &sd), Err("RENDITION_NOT_READY"), "a smaller one will come");
        assert_eq!(of(&["v804", "v358", "a-en-2"], &sd), Ok("v358 a-en-2".into()));
        assert_eq!(of(&["v804", "a-en-2"], &caps("zh", FormatProfile::Hd)), Err("RENDITION_NOT_READY"));
        assert_eq!(of(&["v804", "a-en-2", "a-zh-2"], &caps("zh", FormatProfile::Hd)), Ok("v804 a-zh-2".into()));
        assert_eq!(of(&["v804", "a-en-2"], &caps("fr", FormatProfile::Hd)), Err("LANGUAGE_HELD_BACK"));
    }

    fn any_film() -> impl Strategy<Value = AssetIndex> {
        let subset = || prop::sample::subsequence(LANGUAGES.to_vec(), 0..=LANGUAGES.len());
        let pictures =
            prop::sample::subsequence(vec![(3840, 2160), (1920, 804), (1280, 720), (1024, 576), (640, 360)], 1..=5);
        (pictures, subset(), subset()).prop_map(|(pictures, heard, read)| {
            let pictures = pictures.into_iter().map(|(width, height)| video(width, height));
            let heard = heard.iter().enumerate().map(|(place, language)| audio(language, place == 0));
            AssetIndex::new(pictures.chain(heard).chain(read.iter().map(|language| text(language))).collect())
        })
    }

    fn any_caps() -> impl Strategy<Value = Caps> {
        let languages = ["*", "und", "zh", "zh-Hant", "yue", "en", "fr", "fr-CA", "de"];
        let entry = (prop::sample::select(languages.to_vec()), prop::sample::select(vec!["", ":dub", ":sub"]));
        let entry = entry.prop_map(|(language, medium)| format!("{language}{medium}").parse().unwrap());
        let terms = (any::<bool>(), prop::collection::vec(entry, 1..4)).prop_map(|(is_allowed, list)| {
            if is_allowed { LanguageTerms::Allow(list) } else { LanguageTerms::HoldBack(list) }
        });
        let formats = prop::sample::select(vec![FormatProfile::Sd, FormatProfile::Hd, FormatProfile::Uhd]);
        (prop::option::of(terms), formats).prop_map(|(languages, format_profile)| Caps { languages, format_profile })
    }

    proptest! {
        /// Whatever is kept back is in no playlist; all else is; and there is always something to see.
        #[test]
        fn nothing_that_is_kept_back_is_in_a_playlist(film in any_film(), caps in any_caps()) {
            let may = |language: &Option<String>, track| {
                caps.languages.as_ref().is_none_or(|terms| terms.let_out(language.as_deref(), track))
            };
            let is_mute = film.audio().next().is_some() && !film.audio().any(|(_, audio)| may(&audio.language, TrackUse::Heard));
            let Ok(capped) = of_film(&film, &caps) else {
                prop_assert!(is_mute);
                return Ok(());
            };
            prop_assert!(!is_mute && capped.video().next().is_some());
            let playlist = multivariant(&Timeline::of_asset("film", &capped), Form::Served, |_| None);
            let playlist = std::str::from_utf8(&playlist).unwrap();
            let smallest = film.video().map(|(_, video)| pixels(video)).min().unwrap();
            let most = caps.format_profile.pixels_max().max(smallest);
            for track in &film.tracks {
                let is_listed = playlist.contains(&format!("/{}.m3u8", track.id));
                let is_let_out = match &track.media {
                    TrackMedia::Video(video) => pixels(video) <= most,
                    TrackMedia::Audio(audio) => may(&audio.language, TrackUse::Heard),
                    TrackMedia::Text(text) => may(&text.language, TrackUse::Read),
                };
                prop_assert_eq!(is_listed, is_let_out, "{}\n{}", track.id, playlist);
            }
            prop_assert!(capped.audio().next().is_none() || capped.audio().any(|(_, audio)| audio.is_default));
        }
    }
}
