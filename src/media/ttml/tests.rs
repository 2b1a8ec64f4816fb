use super::*;

const HEAD: &str = "<tt xmlns='http://www.w3.org/ns/ttml' xmlns:ttp='http://www.w3.org/ns/ttml#parameter' \
     xmlns:tts='http://www.w3.org/ns/ttml#styling' xmlns:smpte='http://www.smpte-ra.org/schemas/2052-1/2010/smpte-tt'";

fn document(attributes: &str, head: &str, body: &str) -> String {
    format!("<?xml version='1.0' encoding='utf-8'?>{HEAD} {attributes}><head>{head}</head><body>{body}</body></tt>")
}

/// Start, end and text of each cue.
fn said(document: &str) -> Vec<(u64, u64, String)> {
    cues(document).unwrap().into_iter().map(|cue| (cue.start_ms, cue.end_ms, cue.text)).collect()
}

fn body(body: &str) -> Vec<(u64, u64, String)> {
    said(&document("", "", body))
}

fn one(start_ms: u64, end_ms: u64, text: &str) -> (u64, u64, String) {
    (start_ms, end_ms, text.to_owned())
}

#[test]
fn times_have_every_form_and_each_is_exact_to_the_millisecond() {
    let begins_at = |attributes: &str, time: &str| {
        let words = format!("<div><p begin='{time}'>x</p></div>");
        said(&document(attributes, "", &words))[0].0
    };
    for (attributes, time, ms) in [
        ("", "00:00:01", 1_000),
        ("", "01:02:03.4567", 3_723_457),
        ("", "123:00:00.5", 442_800_500),
        ("", "1.5h", 5_400_000),
        ("", "2.25m", 135_000),
        ("", "7.04s", 7_040),
        ("", "1500ms", 1_500),
        // Without parameters: 30 frames and one tick a second.
        ("", "45f", 1_500),
        ("", "3t", 3_000),
        ("", "00:00:01:15", 1_500),
        ("ttp:frameRate='25'", "00:00:01:05", 1_200),
        ("ttp:frameRate='25'", "50t", 2_000),
        ("ttp:frameRate='25' ttp:subFrameRate='2'", "00:00:00:01.1", 60),
        ("ttp:tickRate='10000000'", "25000000t", 2_500),
        ("ttp:frameRate='24' ttp:frameRateMultiplier='1000 1001'", "24f", 1_001),
        ("ttp:frameRate='24' ttp:frameRateMultiplier='1000:1001'", "00:00:10:12", 10_501),
        // Time code counts frames: an hour of it at 23.976 is 3.6 s longer.
        ("ttp:timeBase='smpte' ttp:frameRate='24' ttp:frameRateMultiplier='1000 1001'", "01:00:00:00", 3_603_600),
        // And with frames left out it nearly keeps the time: 107 892 frames of 1001/30000 s.
        (
            "ttp:timeBase='smpte' ttp:frameRate='30' ttp:frameRateMultiplier='1000 1001' ttp:dropMode='dropNTSC'",
            "01:00:00:00",
            3_599_996,
        ),
    ] {
        assert_eq!(begins_at(attributes, time), ms, "{attributes} {time}");
    }
    let refused = |attributes: &str, time: &str| {
        cues(&document(attributes, "", &format!("<div><p begin='{time}'>x</p></div>"))).unwrap_err()
    };
    for wrong in ["", "1", "x", "1:2", "00:00:-1", "1e3s", "00:00:00:00:00", "infs", "-1s", "wallclock(0)"] {
        assert_eq!(refused("", wrong), TtmlError::Time(wrong.to_owned()));
    }
    assert_eq!(refused("ttp:timeBase='clock'", "1s"), TtmlError::WallClock);
}

#[test]
fn a_programme_whose_time_code_begins_at_ten_hours_begins_at_zero() {
    let head = "<metadata><m xmlns='urn:ebu:tt:metadata'><documentStartOfProgramme>10:00:00:00\
        </documentStartOfProgramme></m></metadata>";
    let words = "<div><p begin='10:00:01:00' end='10:00:02:00'>x</p></div>";
    let attributes = "ttp:timeBase='smpte' ttp:frameRate='25'";
    assert_eq!(said(&document(attributes, head, words)), [one(1_000, 2_000, "x")]);
}

#[test]
fn times_nest_and_nothing_outlasts_what_it_is_in() {
    // Parallel: from where the parent begins.
    assert_eq!(
        body("<div begin='10s' end='20s'><p begin='1s' dur='2s'>a</p><p begin='5s' end='99s'>b</p><p>c</p></div>"),
        [one(11_000, 13_000, "a"), one(15_000, 20_000, "b"), one(10_000, 20_000, "c")]
    );
    // The earlier of an end and a duration.
    assert_eq!(body("<div><p begin='1s' end='9s' dur='3s'>a</p></div>"), [one(1_000, 4_000, "a")]);
    // One after another; a division lasts as long as what is in it.
    assert_eq!(
        body(
            "<div timeContainer='seq'><p dur='2s'>a</p><p begin='1s' dur='2s'>b</p>\
             <div><p dur='1s'>c</p><p dur='4s'>d</p></div><p dur='1s'>e</p></div>"
        ),
        [
            one(0, 2_000, "a"),
            one(3_000, 5_000, "b"),
            one(5_000, 6_000, "c"),
            one(5_000, 9_000, "d"),
            one(9_000, 10_000, "e")
        ]
    );
    // Without an end there is none; what has passed or is turned around says nothing.
    assert_eq!(body("<div><p>a</p></div>"), [one(0, u64::MAX, "a")]);
    assert_eq!(body("<div end='5s'><p begin='5s'>a</p><p begin='3s' end='2s'>b</p></div>"), []);
}

#[test]
fn a_paragraph_is_a_cue_for_each_stretch_in_which_it_stays_the_same() {
    assert_eq!(
        body(
            "<div><p begin='10s' end='20s'>one<span begin='2s'> two</span><span begin='4s' end='6s'> three</span></p></div>"
        ),
        [
            one(10_000, 12_000, "one"),
            one(12_000, 14_000, "one two"),
            one(14_000, 16_000, "one two three"),
            one(16_000, 20_000, "one two")
        ]
    );
    assert_eq!(
        body("<div><p timeContainer='seq' begin='1s'><span dur='1s'>a</span> <span dur='2s'>b</span></p></div>"),
        [one(1_000, 2_000, "a"), one(2_000, 4_000, "b")]
    );
    // A span without words changes nothing.
    assert_eq!(body("<div><p begin='1s' end='3s'>a<span begin='1s'> </span></p></div>"), [one(1_000, 3_000, "a")]);
    let spans: Vec<String> = (0..=CHANGES_MAX).map(|n| format!("<span begin='{n}s'>x</span>")).collect();
    let spans = spans.concat();
    assert_eq!(cues(&document("", "", &format!("<div><p>{spans}</p></div>"))), Err(TtmlError::Changes));
}

#[test]
fn breaks_and_white_space_are_as_written_or_as_said() {
    let text = |markup: &str| body(&format!("<div><p end='1s'{markup}</p></div>")).remove(0).2;
    assert_eq!(text(">\n  one\n   two <br/>\n  three <br/><br/> four\n"), "one two\nthree\nfour");
    assert_eq!(text("> a <span> b</span> <span>c </span> d"), "a b c d");
    assert_eq!(text(" xml:space='preserve'>a  b\n c"), "a  b\nc");
    assert_eq!(text(" xml:space='preserve'>a  b<span xml:space='default'>  c  d</span>"), "a  b c d");
    assert_eq!(text(">a &lt; b &amp; c --&gt; <![CDATA[<i>]]>"), "a &lt; b &amp; c --&gt; &lt;i&gt;");
    assert_eq!(text(">你好\u{a0}<metadata>not this</metadata>世界"), "你好\u{a0}世界");
    assert_eq!(body("<div><p end='1s'> <br/> </p><p end='1s'/></div>"), []);
}

#[test]
fn looks_come_from_the_element_its_styles_its_parents_and_its_region_in_this_order() {
    let head = "<styling>\
        <style xml:id='late' style='base'/>\
        <style xml:id='base' tts:fontStyle='italic'/>\
        <style xml:id='loud' style='base' tts:fontWeight='bold'/>\
        <style xml:id='plain' tts:fontStyle='normal'/>\
        <style xml:id='loop' style='loop'/></styling>\
        <layout><region xml:id='r' tts:fontStyle='italic'><style tts:textDecoration='underline'/></region></layout>";
    let text = |markup: &str| said(&document("", head, &format!("<div>{markup}</div>"))).remove(0).2;
    assert_eq!(text("<p end='1s' style='base'>a<span tts:fontStyle='normal'>b</span></p>"), "<i>a</i>b");
    assert_eq!(text("<p end='1s' style='loud'>a</p>"), "<b><i>a</i></b>");
    assert_eq!(text("<p end='1s' style='loud plain'>a</p>"), "<b>a</b>");
    assert_eq!(text("<p end='1s' style='plain base'>a</p>"), "<i>a</i>");
    assert_eq!(text("<p end='1s' style='late loop none'>a</p>"), "<i>a</i>");
    assert_eq!(text("<p end='1s' region='r'>a</p>"), "<i><u>a</u></i>");
    assert_eq!(text("<p end='1s' region='r' style='plain'>a</p>"), "<u>a</u>");
    assert_eq!(text("<p end='1s' region='r' tts:textDecoration='noUnderline lineThrough'>a</p>"), "<i>a</i>");
    let inherited = "<div tts:fontStyle='normal'><p end='1s' region='r'>a</p></div>";
    assert_eq!(text(inherited), "<u>a</u>", "what is said around a paragraph comes before its region");
    assert_eq!(text("<p end='1s'>a<span tts:visibility='hidden'>b</span><span tts:display='none'>c</span></p>"), "a");
    let ruby = "<span tts:ruby='container'><span tts:ruby='base'>漢字</span><span tts:ruby='text'>かんじ</span></span>";
    assert_eq!(text(&format!("<p end='1s'>{ruby}</p>")), "漢字");
}

#[test]
fn regions_are_the_thirds_of_the_picture() {
    let place = |attributes: &str, region: &str| {
        let head = format!("<layout><region xml:id='r' {region}/></layout>");
        cues(&document(attributes, &head, "<div region='r'><p end='1s'>x</p></div>")).unwrap()[0].place
    };
    for (attributes, region, expected) in [
        ("", "tts:origin='10% 80%' tts:extent='80% 15%' tts:displayAlign='after'", CuePlace::Bottom),
        ("", "tts:origin='10% 10%' tts:extent='80% 80%' tts:displayAlign='after'", CuePlace::Bottom),
        ("", "tts:origin='10% 10%' tts:extent='80% 80%'", CuePlace::Top),
        ("", "tts:origin='10% 10%' tts:extent='80% 80%' tts:displayAlign='center'", CuePlace::Middle),
        ("", "tts:origin='10% 80%' tts:extent='80% 15%' tts:displayAlign='before'", CuePlace::Bottom),
        ("tts:extent='1920px 1080px'", "tts:origin='0px 900px' tts:extent='1920px 100px'", CuePlace::Bottom),
        ("ttp:cellResolution='40 24'", "tts:origin='0c 20c' tts:extent='40c 2c'", CuePlace::Bottom),
        ("", "tts:origin='0c 12c' tts:extent='32c 2c'", CuePlace::Bottom),
        ("", "tts:extent='80% 20%' tts:position='center bottom'", CuePlace::Bottom),
        ("", "tts:extent='80% 20%' tts:position='50% 90%'", CuePlace::Bottom),
        ("", "tts:extent='80% 20%' tts:position='center'", CuePlace::Middle),
        ("", "", CuePlace::Top),
    ] {
        assert_eq!(place(attributes, region), expected, "{attributes} {region}");
    }
    let nowhere = cues(&document("", "", "<div><p end='1s' region='gone'>x</p></div>")).unwrap();
    assert_eq!(nowhere[0].place, CuePlace::Bottom);
}

#[test]
fn paragraphs_that_are_shown_together_are_one_cue_with_the_upper_first() {
    let head = "<layout><region xml:id='low' tts:origin='0% 84%' tts:extent='80% 15%'/>\
        <region xml:id='high' tts:origin='0% 70%' tts:extent='80% 15%'/>\
        <region xml:id='top' tts:origin='0% 0%' tts:extent='80% 15%'/></layout>";
    let together = "<div begin='1s' end='2s'><p region='low'>c</p><p region='top'>a</p><p region='high'>b</p></div>";
    assert_eq!(said(&document("", head, together)), [one(1_000, 2_000, "b\nc"), one(1_000, 2_000, "a")]);
    assert_eq!(
        body("<div><p end='1s'>a</p><p end='2s'>b</p><p end='1s'>c</p></div>"),
        [one(0, 1_000, "a\nc"), one(0, 2_000, "b")]
    );
}

#[test]
fn the_drafts_that_are_in_use_are_read_too() {
    let dfxp = "<tt xmlns='http://www.w3.org/2006/10/ttaf1' xmlns:s='http://www.w3.org/2006/10/ttaf1#style'>\
        <body><div><p begin='00:00:01.5' end='00:00:02' s:fontStyle='italic'>x</p></div></body></tt>";
    assert_eq!(said(dfxp), [one(1_500, 2_000, "<i>x</i>")]);
}

#[test]
fn what_is_no_text_is_refused_with_its_reason() {
    assert_eq!(cues("<tt><body/></tt>"), Err(TtmlError::NotTimedText));
    assert_eq!(cues("<html xmlns='http://www.w3.org/1999/xhtml'/>"), Err(TtmlError::NotTimedText));
    assert!(matches!(cues("WEBVTT"), Err(TtmlError::Xml(_))));
    let bomb = format!("<!DOCTYPE tt [<!ENTITY a 'aaaa'>]>{HEAD}><body><div><p>&a;</p></div></body></tt>");
    assert!(matches!(cues(&bomb), Err(TtmlError::Xml(XmlError { reason, .. })) if reason.contains("document type")));
    let profile = "ttp:profile='http://www.w3.org/ns/ttml/profile/imsc1/image'";
    assert_eq!(cues(&document(profile, "", "")), Err(TtmlError::Pictures));
    let smpte = "<div smpte:backgroundImage='#a' begin='1s' end='2s'/>";
    assert_eq!(cues(&document("", "", smpte)), Err(TtmlError::Pictures));
    let imsc = "<div begin='1s' end='2s'><image src='a.png'/></div>";
    assert_eq!(cues(&document("", "", imsc)), Err(TtmlError::Pictures));
    // Words beside pictures are words.
    assert_eq!(body(&format!("{smpte}<div><p end='1s'>x</p></div>")), [one(0, 1_000, "x")]);
    assert_eq!(said(&document("", "", "")), []);
}

proptest::proptest! {
    #[test]
    fn whatever_is_in_a_document_its_cues_are_sound(
        parts in proptest::collection::vec(
            proptest::sample::select(vec![
                "<span>a</span>", "<span begin='1s'> b</span>", "<span dur='2s'>\n</span>", "<br/>", "<i/>", "\n", " ", "a",
                "<span timeContainer='seq'>a<span dur='1s'>b</span></span>", "--&gt;", "&#13;", "&#x85;", "&#x2028;",
            ]),
            0..24,
        ),
        space in proptest::sample::select(vec!["default", "preserve"])
    ) {
        let cues = cues(&document("", "", &format!("<div><p end='3s' xml:space='{space}'>{}</p></div>", parts.concat()))).unwrap();
        for cue in cues {
            proptest::prop_assert!(crate::media::webvtt::is_sound(&cue), "{cue:?}");
        }
    }
}
