//! The chapters of a film: where each begins and what it is called. Whatever a container says, what is kept is in order,
//! within the film, and bounded.

use serde::{Deserialize, Serialize};

use crate::base::limits;

/// It lasts until the next one begins, or the film ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chapter {
    /// From the first picture.
    pub start_ms: u64,
    /// One line; empty where it has no name.
    pub title: String,
}

/// Of what a container says, in any order and with times before the first picture, the chapters of a film that lasts
/// `film_ms`. Of those that begin together the first is kept, and of too many the first ones.
pub fn sound(said: impl IntoIterator<Item = (i64, String)>, film_ms: u64) -> Vec<Chapter> {
    let mut chapters: Vec<Chapter> = said
        .into_iter()
        .map(|(start_ms, title)| Chapter { start_ms: start_ms.max(0) as u64, title: one_line(&title) })
        .filter(|chapter| chapter.start_ms < film_ms)
        .collect();
    chapters.sort_by_key(|chapter| chapter.start_ms);
    chapters.dedup_by_key(|chapter| chapter.start_ms);
    chapters.truncate(limits::CHAPTERS_MAX);
    chapters
}

fn one_line(title: &str) -> String {
    let words =
        title.split(|letter: char| letter.is_whitespace() || letter.is_control()).filter(|word| !word.is_empty());
    let mut line = String::new();
    for letter in words.flat_map(|word| word.chars().chain([' '])).take(limits::CHAPTER_TITLE_LETTERS_MAX) {
        line.push(letter);
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(chapters: &[(i64, &str)]) -> Vec<Chapter> {
        sound(chapters.iter().map(|(start_ms, title)| (*start_ms, (*title).to_owned())), 60_000)
    }

    fn chapter(start_ms: u64, title: &str) -> Chapter {
        Chapter { start_ms, title: title.to_owned() }
    }

    #[test]
    fn chapters_are_in_order_within_the_film_and_no_two_begin_together() {
        assert_eq!(
            said(&[(30_000, "two"), (-80, "one"), (30_000, "again"), (60_000, "end"), (i64::MAX, "far"), (59_999, "")]),
            [chapter(0, "one"), chapter(30_000, "two"), chapter(59_999, "")]
        );
        assert_eq!(said(&[]), []);
    }

    #[test]
    fn a_title_is_one_line_of_bounded_length() {
        let titles = [" Am\r\nMorgen\u{0}\u{85}\u{2028}früh ", "\n", &"长".repeat(10_000)];
        let kept: Vec<String> =
            said(&titles.iter().enumerate().map(|(n, title)| (n as i64, *title)).collect::<Vec<_>>())
                .into_iter()
                .map(|chapter| chapter.title)
                .collect();
        assert_eq!(kept[..2], ["Am Morgen früh", ""]);
        assert_eq!(kept[2], "长".repeat(limits::CHAPTER_TITLE_LETTERS_MAX));
    }

    #[test]
    fn of_thousands_the_first_are_kept() {
        let many: Vec<(i64, String)> = (0..5_000).rev().map(|n| (n, n.to_string())).collect();
        let kept = sound(many, 60_000);
        assert_eq!((kept.len(), kept[0].title.as_str()), (limits::CHAPTERS_MAX, "0"));
        assert!(kept.is_sorted_by_key(|chapter| chapter.start_ms));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_said_is_sound_and_stays_so(
            said in proptest::collection::vec((proptest::num::i64::ANY, ".{0,300}"), 0..40), film_ms in 0u64..100_000
        ) {
            let once = sound(said, film_ms);
            proptest::prop_assert!(once.is_sorted_by(|one, other| one.start_ms < other.start_ms));
            proptest::prop_assert!(once.iter().all(|chapter| chapter.start_ms < film_ms));
            let again = sound(once.iter().map(|chapter| (chapter.start_ms as i64, chapter.title.clone())), film_ms);
            proptest::prop_assert_eq!(once, again);
        }
    }
}
