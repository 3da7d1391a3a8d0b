//! Documents between the servers, as the default profile has them.

use std::collections::BTreeMap;

use dmconform_case::Suite;
use dmconform_case::document::{Fields, content, refusal};
use dmconform_case::profile::{Document, Profile, Syntax};
use dmconform_model::{MessageId, Step};
use oma_dm::xml::Element;
use rstest::rstest;

fn values(pairs: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    pairs
        .iter()
        .map(|(name, values)| ((*name).to_owned(), owned(values)))
        .collect()
}

fn write(profile: &Profile, message: MessageId, document: &Document, fields: &Fields) -> Vec<u8> {
    let written = profile.write(message, document, fields);
    written.expect("the template is good").body
}

fn read(profile: &Profile, document: &Document, body: &[u8]) -> Fields {
    let content = content(Syntax::Xml, body).expect("it is XML");
    let read = profile.carried(document, &[], &content);
    read.expect("it is the message")
}

#[test]
fn an_initiation_request_is_written_as_the_profile_says() {
    let profile = Suite::embedded().profile;
    let message = MessageId::request(Step::Initiation);
    let document = &profile.messages[&message];
    let given = values(&[
        ("session", &["s-1"]),
        ("device", &["urn:example:1"]),
        ("tree-part", &["./Com", "./Net"]),
        ("type", &["full-permanent"]),
    ]);
    let written = write(&profile, message, document, &given);
    insta::assert_snapshot!(String::from_utf8_lossy(&written), @r#"<InitiationRequest xmlns="urn:dmconform:delegation:0"><SessionID>s-1</SessionID><DeviceID>urn:example:1</DeviceID><TreePart>./Com</TreePart><TreePart>./Net</TreePart><DelegationType>full-permanent</DelegationType></InitiationRequest>"#);
}

#[test]
fn what_is_written_is_read_back() {
    let profile = Suite::embedded().profile;
    for (message, document) in &profile.messages {
        let given: BTreeMap<String, Vec<String>> = document
            .fields
            .keys()
            .map(|name| {
                (
                    name.clone(),
                    vec![format!("<{name}> & \"more\""), "second".to_owned()],
                )
            })
            .collect();
        let written = write(&profile, *message, document, &given);
        assert_eq!(read(&profile, document, &written), given, "{message}");
    }
}

/// A template may put a value into an attribute, in quotes of either kind, where a reader takes the end of a line for a space.
#[rstest]
#[case("<Device name=\"{{ value }}\"/>", "Device/@name")]
#[case("<Device name='{{ value }}'/>", "Device/@name")]
#[case("<Device>{{ value }}</Device>", "Device")]
fn whatever_a_value_has_in_it_is_read_back_from_wherever_it_stands(
    #[case] element: &str,
    #[case] place: &str,
) {
    let profile = Suite::embedded().profile;
    let message = MessageId::request(Step::Initiation);
    let mut document = profile.messages[&message].clone();
    document.fields = BTreeMap::from([("device".to_owned(), place.parse().expect("it is a path"))]);
    document.write = Some(format!(
        "<InitiationRequest xmlns=\"urn:dmconform:delegation:0\">{{% for value in field.device %}}{element}{{% endfor \
         %}}</InitiationRequest>"
    ));
    let given = values(&[("device", &["O'Neil & \"<sons>\"\r\n\tno. 1"])]);
    let written = write(&profile, message, &document, &given);
    assert_eq!(read(&profile, &document, &written), given);
}

#[test]
fn what_is_not_given_is_not_written() {
    let profile = Suite::embedded().profile;
    for (message, document) in &profile.messages {
        let written = write(&profile, *message, document, &Fields::new());
        assert_eq!(read(&profile, document, &written), Fields::new(), "{message}");
    }
}

#[test]
fn a_refusal_says_why() {
    let profile = Suite::embedded().profile;
    let written = refusal(&profile.delegation, "s-1", "no <such> device").expect("the template is good");
    let root = Element::parse(&written).expect("it is XML");
    let text = |name: &str| root.child(name).map(|child| child.text().into_owned());
    assert_eq!(text("Result").as_deref(), Some("refused"));
    assert_eq!(text("Reason").as_deref(), Some("no <such> device"));
}

#[test]
fn a_template_that_writes_without_an_end_is_stopped() {
    let profile = Suite::embedded().profile;
    let message = MessageId::request(Step::Initiation);
    let mut document = profile.messages[&message].clone();
    let long = "x".repeat(10_000);
    document.write = Some(format!("{{% for a in range(5000) %}}{long}{{% endfor %}}"));
    assert!(profile.write(message, &document, &Fields::new()).is_err());
}

#[test]
fn a_template_that_works_without_an_end_is_stopped() {
    let profile = Suite::embedded().profile;
    let message = MessageId::request(Step::Initiation);
    let mut document = profile.messages[&message].clone();
    let all = "{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}";
    document.write = Some(all.to_owned());
    assert!(profile.write(message, &document, &Fields::new()).is_err());
}
