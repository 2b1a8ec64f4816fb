use super::*;

const KID: &str = "0190163d-8694-739b-aea5-966c26f8ad91";
const IV: &str = "AAECAwQFBgcICQoLDA0ODw==";
const VALUE: &str = "Dw4NDAsKCQgHBgUEAwIBAA==";

fn request(systems: &[DrmSystem]) -> KeyRequest {
    let id = "key_01j0b3v1mmeedtx9cpdgkfhbch".parse().unwrap();
    let iv = Iv::from_bytes(std::array::from_fn(|n| n as u8));
    let keys = vec![RequestedKey { id, track_type: TrackType::Hd2, iv }];
    KeyRequest { content_id: "ast_1".to_owned(), keys, systems: systems.to_vec() }
}

/// As published examples of answers look, with another prefix here and there.
fn answer() -> String {
    let widevine = DrmSystem::Widevine.system_id();
    let tag = format!(
        "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"data:text/plain;base64,AAAA\",KEYFORMAT=\"urn:uuid:{widevine}\",KEYFORMATVERSIONS=\"1\""
    );
    format!(
        "<CPIX xmlns='urn:dashif:org:cpix' xmlns:p='urn:ietf:params:xml:ns:keyprov:pskc' contentId='ast_1' version='2.4'>\
         <ContentKeyList><ContentKey kid='{KID}' explicitIV='{VALUE}' commonEncryptionScheme='cbcs'><Data><p:Secret>\
         <p:PlainValue>{VALUE}</p:PlainValue></p:Secret></Data></ContentKey></ContentKeyList>\
         <DRMSystemList><DRMSystem kid='{KID}' systemId='{}'><PSSH>{}</PSSH>\
         <HLSSignalingData playlist='master'>x</HLSSignalingData>\
         <HLSSignalingData>{}</HLSSignalingData></DRMSystem></DRMSystemList>\
         <ContentKeyUsageRuleList><ContentKeyUsageRule kid='{KID}' intendedTrackType='HD2'/></ContentKeyUsageRuleList>\
         </CPIX>",
        widevine.to_uppercase(),
        BASE64.encode(pssh(widevine)),
        BASE64.encode(tag),
    )
}

fn pssh(system: &str) -> Vec<u8> {
    let mut bytes = b"\0\0\0\x24pssh\0\0\0\0".to_vec();
    bytes.extend(Uuid::parse_str(system).unwrap().into_bytes());
    bytes.extend(b"\0\0\0\x04data");
    bytes
}

#[test]
fn the_request_is_the_published_shape() {
    let document = String::from_utf8(request(&[DrmSystem::FairPlay, DrmSystem::Widevine]).to_xml().unwrap()).unwrap();
    let expected = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <cpix:CPIX contentId=\"ast_1\" version=\"2.4\" xmlns:cpix=\"urn:dashif:org:cpix\" xmlns:pskc=\"urn:ietf:params:xml:ns:keyprov:pskc\">\
         <cpix:ContentKeyList><cpix:ContentKey kid=\"{KID}\" explicitIV=\"{IV}\" commonEncryptionScheme=\"cbcs\"/></cpix:ContentKeyList>\
         <cpix:DRMSystemList>\
         <cpix:DRMSystem kid=\"{KID}\" systemId=\"94ce86fb-07ff-4f43-adb8-93d2fa968ca2\"><cpix:HLSSignalingData playlist=\"media\"/></cpix:DRMSystem>\
         <cpix:DRMSystem kid=\"{KID}\" systemId=\"edef8ba9-79d6-4ace-a3c8-27dcd51d21ed\"><cpix:PSSH/><cpix:HLSSignalingData playlist=\"media\"/></cpix:DRMSystem>\
         </cpix:DRMSystemList>\
         <cpix:ContentKeyUsageRuleList><cpix:ContentKeyUsageRule kid=\"{KID}\" intendedTrackType=\"HD2\"><cpix:VideoFilter minPixels=\"921601\" maxPixels=\"2073600\"/></cpix:ContentKeyUsageRule></cpix:ContentKeyUsageRuleList>\
         </cpix:CPIX>"
    );
    assert_eq!(document, expected);
}

#[test]
fn an_answer_gives_key_iv_and_signal() {
    let keys = request(&[DrmSystem::Widevine]).read_answer(&answer()).unwrap();
    assert_eq!(keys.len(), 1);
    let value: [u8; 16] = std::array::from_fn(|n| 15 - n as u8);
    assert_eq!(keys[0].protection, Protection { key: ContentKey::from_bytes(value), iv: Iv::from_bytes(value) });
    assert_eq!(keys[0].signals[0].pssh.as_deref(), Some(&pssh(DrmSystem::Widevine.system_id())[..]));
    assert_eq!(keys[0].signals[0].key_tag.uri, "data:text/plain;base64,AAAA");
    let without_iv = answer().replace(&format!(" explicitIV='{VALUE}'"), "");
    let keys = request(&[]).read_answer(&without_iv).unwrap();
    assert_eq!(BASE64.encode(keys[0].protection.iv.expose()), IV);
    assert!(keys[0].signals.is_empty());
}

#[test]
fn an_answer_that_is_not_to_the_request_is_refused() {
    let other = "11111111-1111-1111-1111-111111111111";
    let cut = |from: &str, to: &str| {
        let answer = answer();
        let (start, end) = (answer.find(from).unwrap(), answer.find(to).unwrap() + to.len());
        format!("{}{}", &answer[..start], &answer[end..])
    };
    let change = |from: &str, to: &str| {
        assert!(answer().contains(from), "{from}");
        answer().replacen(from, to, 1)
    };
    let cases = [
        ("not XML", "KEY_SERVER_ANSWER_INVALID", "keys".to_owned()),
        ("a bomb", "KEY_SERVER_ANSWER_INVALID", format!("<!DOCTYPE a [<!ENTITY b 'b'>]>{}", answer())),
        ("another namespace", "KEY_SERVER_ANSWER_INVALID", change("urn:dashif:org:cpix", "urn:other")),
        ("no version", "KEY_SERVER_WRONG_VERSION", change(" version='2.4'", "")),
        ("an old version", "KEY_SERVER_WRONG_VERSION", change("version='2.4'", "version='2.0'")),
        ("another asset", "KEY_SERVER_ANSWER_INVALID", change("ast_1", "ast_2")),
        ("a wrong kid", "KEY_SERVER_KEY_UNKNOWN", change(KID, other)),
        ("no kid", "KEY_SERVER_KEY_UNKNOWN", change(&format!("kid='{KID}' "), "")),
        ("no key", "KEY_SERVER_KEY_MISSING", cut("<ContentKey kid", "</ContentKey>")),
        ("no value", "KEY_SERVER_KEY_MISSING", cut("<Data>", "</Data>")),
        ("a short value", "KEY_SERVER_ANSWER_INVALID", change(&format!("<p:PlainValue>{VALUE}"), "<p:PlainValue>AAAA")),
        ("a short IV", "KEY_SERVER_ANSWER_INVALID", change(VALUE, "AAAA")),
        ("another scheme", "KEY_SERVER_ANSWER_INVALID", change("'cbcs'", "'cenc'")),
        ("an encrypted value", "KEY_SERVER_KEY_ENCRYPTED", answer().replace("p:PlainValue", "p:EncryptedValue")),
        (
            "a key for other tracks",
            "KEY_SERVER_ANSWER_INVALID",
            change("intendedTrackType='HD2'", "intendedTrackType='UHD'"),
        ),
        ("no system", "KEY_SERVER_SIGNAL_MISSING", cut("<DRMSystem kid", "</DRMSystem>")),
        ("no pssh", "KEY_SERVER_SIGNAL_MISSING", cut("<PSSH>", "</PSSH>")),
        ("another system's pssh", "KEY_SERVER_ANSWER_INVALID", {
            let playready = BASE64.encode(pssh(DrmSystem::PlayReady.system_id()));
            change(&BASE64.encode(pssh(DrmSystem::Widevine.system_id())), &playready)
        }),
        ("no line for playlists", "KEY_SERVER_SIGNAL_MISSING", {
            change("<HLSSignalingData>", "<HLSSignalingData playlist='master'>")
        }),
    ];
    for (name, code, answer) in cases {
        let error = request(&[DrmSystem::Widevine]).read_answer(&answer).map(|_| name).unwrap_err();
        assert_eq!(error.code(), code, "{name}: {}", error.message());
        assert!(!error.log_line().contains(VALUE), "{name}");
    }
    let key = &answer()[answer().find("<ContentKey kid").unwrap()..answer().find("</ContentKeyList>").unwrap()];
    let twice = answer().replacen(key, &format!("{key}{key}"), 1);
    assert!(request(&[]).read_answer(&twice).unwrap_err().message().contains("twice"));
}
