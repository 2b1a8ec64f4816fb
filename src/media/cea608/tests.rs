use super::*;

/// Feeds pairs, one every 33 ms from `at_ms` on, with parity set.
struct Line21 {
    decoder: Decoder,
    field: Field,
    at_ms: u64,
}

impl Line21 {
    fn new(field: Field) -> Line21 {
        Line21 { decoder: Decoder::default(), field, at_ms: 0 }
    }

    fn at(&mut self, at_ms: u64) -> &mut Line21 {
        assert!(at_ms >= self.at_ms);
        self.at_ms = at_ms;
        self
    }

    fn pair(&mut self, bytes: [u8; 2]) -> &mut Line21 {
        let with_parity = |byte: u8| if byte.count_ones().is_multiple_of(2) { byte | 0x80 } else { byte };
        self.decoder.take(Pair { field: self.field, bytes: bytes.map(with_parity) }, self.at_ms);
        self.at_ms += 33;
        self
    }

    /// Twice, as commands are sent.
    fn command(&mut self, first: u8, second: u8) -> &mut Line21 {
        self.pair([first, second]).pair([first, second])
    }

    fn words(&mut self, words: &str) -> &mut Line21 {
        for pair in words.as_bytes().chunks(2) {
            self.pair([pair[0], pair.get(1).copied().unwrap_or(0)]);
        }
        self
    }

    fn cues(&mut self, end_ms: u64) -> [Vec<Cue>; 4] {
        std::mem::take(&mut self.decoder).finish(end_ms)
    }
}

fn cue(start_ms: u64, end_ms: u64, place: CuePlace, text: &str) -> Cue {
    Cue { start_ms, end_ms, place, text: text.to_owned() }
}

#[test]
fn pop_on_captions_are_seen_from_when_they_change_places_until_they_are_erased() {
    let mut line = Line21::new(Field::First);
    line.command(0x14, 0x20).command(0x14, 0x2e);
    // Row 14 indented by 4, row 15 in italics.
    line.command(0x14, 0x52).words("Hello,").command(0x14, 0x6e).words("world");
    line.at(2_000).command(0x14, 0x2f);
    // The next one is loaded while this is seen; row 1.
    line.command(0x14, 0x20).command(0x11, 0x40).words("top");
    line.at(5_000).command(0x14, 0x2f);
    line.at(7_000).command(0x14, 0x2c);
    let [cc1, cc2, cc3, cc4] = line.cues(9_000);
    assert_eq!(
        cc1,
        [cue(2_000, 5_000, CuePlace::Bottom, "Hello,\n<i>world</i>"), cue(5_000, 7_000, CuePlace::Top, "top")]
    );
    assert!(cc2.is_empty() && cc3.is_empty() && cc4.is_empty());
}

#[test]
fn rolled_up_lines_are_seen_from_their_first_letter_with_those_above_them() {
    let mut line = Line21::new(Field::First);
    line.at(1_000).command(0x14, 0x25).command(0x14, 0x2d).command(0x14, 0x70);
    line.at(2_000).words("first line");
    line.at(4_000).command(0x14, 0x25).command(0x14, 0x2d).command(0x14, 0x70);
    line.at(5_000).words("second");
    line.at(6_000).command(0x14, 0x2d).at(7_000).words("third");
    let [cc1, ..] = line.cues(10_000);
    assert_eq!(
        cc1,
        [
            cue(2_000, 5_000, CuePlace::Bottom, "first line"),
            cue(5_000, 7_000, CuePlace::Bottom, "first line\nsecond"),
            cue(7_000, 10_000, CuePlace::Bottom, "second\nthird"),
        ]
    );
}

#[test]
fn captions_that_nobody_erases_go_after_sixteen_seconds() {
    let mut line = Line21::new(Field::First);
    line.command(0x14, 0x29).at(1_000).words("a").at(30_000).command(0x14, 0x29).words("b");
    let [cc1, ..] = line.cues(60_000);
    let seen: Vec<_> = cc1.iter().map(|cue| (cue.start_ms, cue.end_ms, cue.text.as_str())).collect();
    assert_eq!(seen, [(1_000, 17_000, "a"), (30_066, 46_066, "b")]);
}

#[test]
fn a_base_row_further_up_takes_the_rows_along() {
    let mut line = Line21::new(Field::First);
    line.command(0x14, 0x25).command(0x14, 0x70).at(1_000).words("one");
    line.at(2_000).command(0x14, 0x2d);
    // Row 1 is too high for two rows: row 2.
    line.command(0x11, 0x40).at(3_000).words("two");
    let [cc1, ..] = line.cues(4_000);
    assert_eq!(cc1, [cue(1_000, 3_000, CuePlace::Bottom, "one"), cue(3_000, 4_000, CuePlace::Top, "one\ntwo")]);
}

#[test]
fn painted_words_are_one_cue_from_the_first_letter() {
    let mut line = Line21::new(Field::First);
    line.at(1_000).command(0x14, 0x29).command(0x14, 0x70);
    line.at(1_500).words("painted words");
    line.at(4_000).command(0x14, 0x2c);
    line.at(5_000).command(0x14, 0x29).command(0x13, 0x40).words("again");
    let [cc1, ..] = line.cues(6_000);
    assert_eq!(
        cc1,
        [cue(1_500, 4_000, CuePlace::Bottom, "painted words"), cue(5_132, 6_000, CuePlace::Bottom, "again")]
    );
}

#[test]
fn channels_are_kept_apart_and_text_and_other_data_are_passed_over() {
    let mut line = Line21::new(Field::First);
    line.command(0x14, 0x29).words("one").command(0x1c, 0x29).words("two").command(0x14, 0x2a).words("text");
    let [cc1, cc2, ..] = line.cues(5_000);
    assert_eq!((cc1[0].text.as_str(), cc1.len()), ("one", 1));
    assert_eq!((cc2[0].text.as_str(), cc2.len()), ("two", 1));

    let mut line = Line21::new(Field::Second);
    line.command(0x15, 0x29).words("ab");
    // The name of a programme, in two parts, and its end.
    line.pair([0x01, 0x03]).words("Star").command(0x15, 0x29).words("cd").pair([0x02, 0x03]).words("gate");
    line.pair([0x0f, 0x3d]).words("ef");
    let [cc1, _, cc3, _] = line.cues(5_000);
    assert!(cc1.is_empty());
    assert_eq!(cc3.iter().map(|cue| cue.text.as_str()).collect::<Vec<_>>(), ["ab", "abcdef"]);
}

#[test]
fn letters_beyond_ascii_stand_in_place_of_the_plain_ones_before_them() {
    let mut line = Line21::new(Field::First);
    line.command(0x14, 0x29);
    line.words("E").command(0x12, 0x21).words("t*").command(0x11, 0x37).words("s").command(0x13, 0x34);
    line.words("a").command(0x14, 0x21).words("b<");
    let [cc1, ..] = line.cues(5_000);
    assert_eq!(cc1[0].text, "Étá♪ßb&lt;");
}

#[test]
fn looks_change_in_mid_row_and_tabs_are_spaces() {
    let mut line = Line21::new(Field::First);
    // Underlined, italics, green without either; then a tab of two.
    line.command(0x14, 0x29).command(0x14, 0x61).words("ab");
    line.command(0x11, 0x2e).words("cd").command(0x11, 0x22).words("ef").command(0x17, 0x22).words("gh");
    let [cc1, ..] = line.cues(5_000);
    assert_eq!(cc1[0].text, "<u>ab</u><i> cd</i> ef  gh");
}

#[test]
fn a_command_that_comes_twice_is_one_and_a_damaged_pair_is_none() {
    let mut line = Line21::new(Field::First);
    line.command(0x14, 0x25).command(0x14, 0x70).words("a").command(0x14, 0x2d).words("b");
    // Four times are two.
    line.command(0x14, 0x2d).command(0x14, 0x2d).words("c");
    let [cc1, ..] = line.cues(5_000);
    assert_eq!(cc1.last().unwrap().text, "c");

    let mut line = Line21::new(Field::First);
    line.command(0x14, 0x29).words("ab");
    // Parity is even in the second, then in the first.
    line.decoder.take(Pair { field: Field::First, bytes: [b'a', b'c'] }, 500);
    line.decoder.take(Pair { field: Field::First, bytes: [b'c', b'd'] }, 600);
    let [cc1, ..] = line.cues(5_000);
    assert_eq!(cc1[0].text, "ab█d");
}

proptest::proptest! {
    #[test]
    fn whatever_comes_the_cues_are_sound_and_in_order(
        pairs in proptest::collection::vec((0u8..0x80, 0u8..0x80, proptest::bool::ANY), 0..200)
    ) {
        let mut decoder = Decoder::default();
        let with_parity = |byte: u8| if byte.count_ones().is_multiple_of(2) { byte | 0x80 } else { byte };
        for (n, (first, second, is_second)) in pairs.into_iter().enumerate() {
            let field = if is_second { Field::Second } else { Field::First };
            decoder.take(Pair { field, bytes: [with_parity(first), with_parity(second)] }, n as u64 * 33);
        }
        for cues in decoder.finish(7_000) {
            let mut last_ms = 0;
            for cue in cues {
                proptest::prop_assert!(crate::media::webvtt::is_sound(&cue), "{cue:?}");
                proptest::prop_assert!(cue.start_ms >= last_ms, "{cue:?}");
                last_ms = cue.start_ms;
            }
        }
    }
}
