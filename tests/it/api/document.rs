//! The OpenAPI document as it is published. `MARQUEE_BLESS=1 cargo test --test it document` writes it anew.

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn the_openapi_document_is_the_one_that_was_agreed() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/openapi.json");
    let mut document = serde_json::to_value(marquee::operator::document()).unwrap();
    // A release is not a change of the interface.
    document["info"]["version"] = "-".into();
    let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
    if std::env::var_os("MARQUEE_BLESS").is_some() {
        std::fs::write(&golden, &text).unwrap();
    }
    let agreed = std::fs::read_to_string(&golden).unwrap_or_default();
    let differs = agreed.lines().zip(text.lines()).find(|(agreed, now)| agreed != now);
    assert!(
        agreed == text,
        "the document has changed, first at {differs:?}; if that is meant, run with MARQUEE_BLESS=1"
    );
}

#[test]
fn every_operation_has_a_name_of_its_own_and_every_reference_an_end() {
    let document = serde_json::to_value(marquee::operator::document()).unwrap();
    let mut names = BTreeSet::new();
    for operations in document["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name), "{name} is there twice");
        }
    }
    for reference in document.to_string().split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer} is not there");
    }
}
