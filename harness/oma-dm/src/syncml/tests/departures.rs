//! What departs, one by one: noted as what it is and where it is, nothing else noted, and the rest read.

use rstest::rstest;

use super::super::*;
use super::xml;

/// A message with `header` in its header and `body` in its body, besides what belongs there.
fn message(header: &str, body: &str) -> String {
    format!(
        "<SyncML xmlns='SYNCML:SYNCML1.2'><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>\
         <SessionID>A7</SessionID><MsgID>1</MsgID><Target><LocURI>t</LocURI></Target>\
         <Source><LocURI>s</LocURI></Source>{header}</SyncHdr><SyncBody>{body}<Final/></SyncBody></SyncML>"
    )
}

/// What any message may have in its body.
const ALERT: &str = "<Alert><CmdID>99</CmdID><Data>1201</Data></Alert>";

/// An observation as text, with what it is located at, cut where that begins to have content.
fn told(observation: &Observation, text: &str) -> String {
    let at = &text[observation.at.clone()];
    let tag = &at[..=at.find('>').unwrap()];
    let departure = &observation.departure;
    format!(
        "{}, {:?}, {tag} in {}: {departure}",
        departure.code(),
        departure.rule(),
        observation.path
    )
}

fn all(text: &str) -> Vec<String> {
    let observations = xml(text.as_bytes()).observations;
    observations
        .iter()
        .map(|observation| told(observation, text))
        .collect()
}

fn item(inside: &str) -> String {
    format!("<Item><Target><LocURI>./A</LocURI></Target>{inside}</Item>")
}

fn meta(inside: &str) -> String {
    let inside = inside.replace("<Format>", "<Format xmlns='syncml:metinf'>");
    let inside = inside.replace("<Type>", "<Type xmlns='syncml:metinf'>");
    let inside = inside.replace("<NextNonce>", "<NextNonce xmlns='syncml:metinf'>");
    format!("<Meta>{inside}</Meta>")
}

#[test]
fn a_message_as_it_should_be_has_no_departures() {
    let text = message("", ALERT);
    assert_eq!(all(&text), [""; 0]);
    assert!(read_strict(text.as_bytes(), Encoding::Xml).is_ok());
}

#[rstest]
#[case::unknown(
    "<Alert><CmdID>1</CmdID><Data>1201</Data><Mood/></Alert>",
    "unknown-element, ContentModel, <Mood/> in SyncBody/Alert: `Mood` is not known here"
)]
#[case::misplaced(
    "<Alert><CmdID>1</CmdID><Data>1201</Data><VerDTD>1.2</VerDTD></Alert>",
    "misplaced-element, ContentModel, <VerDTD> in SyncBody/Alert: `VerDTD` does not belong here"
)]
#[case::order_in_a_command(
    "<Alert><CmdID>1</CmdID><Correlator>c</Correlator><Data>1201</Data></Alert>",
    "wrong-order, ContentModel, <Data> in SyncBody/Alert: `Data` should precede `Correlator`"
)]
#[case::order_in_a_group(
    "<Sequence><Delete><CmdID>1</CmdID><Item><Target><LocURI>./A</LocURI></Target></Item></Delete>\
     <CmdID>2</CmdID></Sequence>",
    "wrong-order, ContentModel, <CmdID> in SyncBody/Sequence: `CmdID` should precede `Delete`"
)]
#[case::order_in_an_address(
    "<Get><CmdID>1</CmdID><Item><Target><LocName>A</LocName><LocURI>./A</LocURI></Target></Item></Get>",
    "left-out, Unusual, <LocName> in SyncBody/Get/Item/Target: `LocName` is not kept\n\
     wrong-order, ContentModel, <LocURI> in SyncBody/Get/Item/Target: `LocURI` should precede `LocName`"
)]
#[case::behind_the_end(
    "<Final/><Alert><CmdID>1</CmdID><Data>1201</Data></Alert>",
    "wrong-order, ContentModel, <Alert> in SyncBody: `Alert` should precede `Final`\n\
     repeated-element, ContentModel, <Final/> in SyncBody: `Final` is there more than once"
)]
#[case::repeated(
    "<Alert><CmdID>1</CmdID><Data>1201</Data><Data>1200</Data></Alert>",
    "repeated-element, ContentModel, <Data> in SyncBody/Alert: `Data` is there more than once"
)]
#[case::more_than_one_item(
    "<Exec><CmdID>1</CmdID><Item><Target><LocURI>./A</LocURI></Target></Item>\
     <Item><Target><LocURI>./B</LocURI></Target></Item></Exec>",
    "repeated-element, ContentModel, <Item> in SyncBody/Exec: `Item` is there more than once"
)]
#[case::no_identifier(
    "<Alert><Data>1201</Data></Alert>",
    "missing-element, ContentModel, <Alert> in SyncBody/Alert: `CmdID` is missing"
)]
#[case::no_item(
    "<Get><CmdID>1</CmdID></Get>",
    "missing-element, ContentModel, <Get> in SyncBody/Get: `Item` is missing"
)]
#[case::no_command(
    "<Atomic><CmdID>1</CmdID></Atomic>",
    "missing-element, ContentModel, <Atomic> in SyncBody/Atomic: `a command` is missing"
)]
#[case::nothing_in_the_body(
    "",
    "missing-element, ContentModel, <SyncBody> in SyncBody: `a command` is missing"
)]
#[case::no_address(
    "<Get><CmdID>1</CmdID><Item><Target/></Item></Get>",
    "missing-element, ContentModel, <Target/> in SyncBody/Get/Item/Target: `LocURI` is missing"
)]
#[case::status_in_a_group(
    "<Sequence><CmdID>1</CmdID><Alert><CmdID>2</CmdID><Data>1223</Data></Alert>\
     <Status><CmdID>3</CmdID><MsgRef>1</MsgRef><CmdRef>1</CmdRef><Cmd>Get</Cmd><Data>200</Data></Status></Sequence>",
    "misplaced-element, ContentModel, <Status> in SyncBody/Sequence: `Status` does not belong here"
)]
#[case::text_between_elements(
    "<Alert><CmdID>1</CmdID>now<Data>1201</Data></Alert>",
    "stray-text, ContentModel, <Alert> in SyncBody/Alert: `Alert` has text of its own"
)]
#[case::text_in_what_is_empty(
    "<Get><CmdID>1</CmdID><Item><Target><LocURI>./A</LocURI></Target><MoreData> </MoreData></Item></Get>",
    "stray-text, ContentModel, <MoreData> in SyncBody/Get/Item/MoreData: `MoreData` has text of its own"
)]
#[case::element_in_what_is_empty(
    "<Get><CmdID>1</CmdID><Item><Target><LocURI>./A</LocURI></Target><MoreData><Data/></MoreData></Item></Get>",
    "misplaced-element, ContentModel, <Data/> in SyncBody/Get/Item/MoreData: `Data` does not belong here"
)]
#[case::element_in_text(
    "<Alert><CmdID>1<b/></CmdID><Data>1201</Data></Alert>",
    "unknown-element, ContentModel, <b/> in SyncBody/Alert/CmdID: `b` is not known here"
)]
#[case::markup(
    "<Replace><CmdID>1</CmdID><Item><Target><LocURI>./A</LocURI></Target><Data><b/></Data></Item></Replace>",
    "markup-in-data, ContentModel, <Data> in SyncBody/Replace/Item/Data: `Data` has markup that is not escaped"
)]
#[case::markup_and_more(
    "<Replace><CmdID>1</CmdID><Item><Target><LocURI>./A</LocURI></Target><Data><b/>c</Data></Item></Replace>",
    "markup-in-data, ContentModel, <Data> in SyncBody/Replace/Item/Data: `Data` has markup that is not escaped\n\
     left-out, Unusual, <Data> in SyncBody/Replace/Item: `what is beside the first element of Data` is not kept"
)]
#[case::attribute(
    "<Alert mood='good'><CmdID>1</CmdID><Data>1201</Data></Alert>",
    "attribute, ContentModel, <Alert mood='good'> in SyncBody/Alert: `Alert` has an attribute `mood`"
)]
#[case::unknown_meta(
    "<Get><CmdID>1</CmdID><Meta><Mood/></Meta><Item><Target><LocURI>./A</LocURI></Target></Item></Get>",
    "unknown-element, ContentModel, <Mood/> in SyncBody/Get/Meta: `Mood` is not known here\n\
     left-out, Unusual, <Mood/> in SyncBody/Get/Meta: `Mood` is not kept"
)]
fn a_departure_from_the_content_models_is_noted(#[case] body: &str, #[case] expected: &str) {
    assert_eq!(all(&message("", body)).join("\n"), expected);
}

#[rstest]
#[case::not_for_dm("<Put/>", "not-for-dm, Dm, <Put/> in SyncBody: `Put` has no place in OMA DM")]
#[case::no_response(
    "<Alert><CmdID>1</CmdID><NoResp/><Data>1201</Data></Alert>",
    "not-for-dm, Dm, <NoResp/> in SyncBody/Alert: `NoResp` has no place in OMA DM"
)]
#[case::filter(
    "<Get><CmdID>1</CmdID><Item><Target><LocURI>./A</LocURI><Filter><a/></Filter></Target></Item></Get>",
    "not-for-dm, Dm, <Filter> in SyncBody/Get/Item/Target: `Filter` has no place in OMA DM"
)]
#[case::archive_elsewhere(
    "<Get><CmdID>1</CmdID><Archive/><Item><Target><LocURI>./A</LocURI></Target></Item></Get>",
    "misplaced-element, ContentModel, <Archive/> in SyncBody/Get: `Archive` does not belong here\n\
     not-for-dm, Dm, <Archive/> in SyncBody/Get: `Archive` has no place in OMA DM"
)]
#[case::identifier(
    "<Alert><CmdID>1</CmdID><Data>1201</Data></Alert><Alert><CmdID>1</CmdID><Data>1223</Data></Alert>",
    "reused-cmd-id, Dm, <CmdID> in SyncBody/Alert: CmdID `1` is used twice"
)]
#[case::identifier_of_a_member(
    "<Sequence><CmdID>1</CmdID><Alert><CmdID>1</CmdID><Data>1223</Data></Alert></Sequence>",
    "reused-cmd-id, Dm, <CmdID> in SyncBody/Sequence/Alert: CmdID `1` is used twice"
)]
#[case::credentials_in_a_command(
    "<Alert><CmdID>1</CmdID><Cred><Data/></Cred><Data>1201</Data></Alert>",
    "misplaced-cred, Dm, <Cred> in SyncBody/Alert: `Cred` belongs in the header only"
)]
#[case::credentials_in_a_status(
    "<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Cred><Data/></Cred>\
     <Data>200</Data></Status>",
    "misplaced-cred, Dm, <Cred> in SyncBody/Status: `Cred` belongs in the header only"
)]
#[case::nested_atomic(
    "<Atomic><CmdID>1</CmdID><Sequence><CmdID>2</CmdID><Atomic><CmdID>3</CmdID>\
     <Delete><CmdID>4</CmdID><Item><Target><LocURI>./A</LocURI></Target></Item></Delete></Atomic></Sequence></Atomic>",
    "nested-atomic, Dm, <Atomic> in SyncBody/Atomic/Sequence: an Atomic is inside another"
)]
#[case::get_in_atomic(
    "<Atomic><CmdID>1</CmdID><Get><CmdID>4</CmdID><Item><Target><LocURI>./A</LocURI></Target></Item></Get></Atomic>",
    "get-in-atomic, Dm, <Get> in SyncBody/Atomic: a Get is inside an Atomic"
)]
#[case::no_data(
    "<Add><CmdID>1</CmdID><Item><Target><LocURI>./A</LocURI></Target></Item></Add>",
    "missing-data, Dm, <Item> in SyncBody/Add/Item: an item of `Add` has no `Data`"
)]
#[case::no_source_in_results(
    "<Results><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>1</CmdRef><Item><Data/></Item></Results>",
    "missing-for-dm, Dm, <Item> in SyncBody/Results/Item: `Source` is missing, which OMA DM needs here"
)]
#[case::no_target(
    "<Get><CmdID>1</CmdID><Item/></Get>",
    "missing-for-dm, Dm, <Item/> in SyncBody/Get/Item: `Target` is missing, which OMA DM needs here"
)]
#[case::neither_target_nor_source(
    "<Replace><CmdID>1</CmdID><Item><Data/></Item></Replace>",
    "missing-for-dm, Dm, <Item> in SyncBody/Replace/Item: `Target` is missing, which OMA DM needs here"
)]
#[case::copy_of_nothing(
    "<Copy><CmdID>1</CmdID><Item><Target><LocURI>./A</LocURI></Target></Item></Copy>",
    "missing-for-dm, Dm, <Item> in SyncBody/Copy/Item: `Source` is missing, which OMA DM needs here"
)]
#[case::no_code(
    "<Alert><CmdID>1</CmdID></Alert>",
    "missing-for-dm, Dm, <Alert> in SyncBody/Alert: `Data` is missing, which OMA DM needs here"
)]
#[case::reserved_code(
    "<Alert><CmdID>1</CmdID><Data>1199</Data></Alert>",
    "reserved-alert, Dm, <Data> in SyncBody/Alert: the code 1199 of an Alert is reserved"
)]
#[case::nothing_to_show(
    "<Alert><CmdID>1</CmdID><Data>1100</Data><Item><Data/></Item></Alert>",
    "missing-for-dm, Dm, <Alert> in SyncBody/Alert: `Item` is missing, which OMA DM needs here"
)]
#[case::event_without_a_kind(
    "<Alert><CmdID>1</CmdID><Data>1226</Data><Item><Meta><Format xmlns='syncml:metinf'>chr</Format></Meta>\
     <Data/></Item></Alert>",
    "missing-for-dm, Dm, <Item> in SyncBody/Alert/Item: `Type` is missing, which OMA DM needs here"
)]
fn a_departure_from_what_dm_narrows_is_noted(#[case] body: &str, #[case] expected: &str) {
    assert_eq!(all(&message("", body)).join("\n"), expected);
}

#[rstest]
#[case::octets("<Format>bin</Format>", "<Data>AA</Data>", "bin-in-xml, Dm, <Item>", "")]
#[case::value_of_an_interior_node(
    "<Format>node</Format>",
    "<Data>v</Data>",
    "interior-with-data, Dm, <Data>",
    ""
)]
#[case::empty_value_of_an_interior_node(
    "<Format>node</Format>",
    "<Data/>",
    "interior-with-data, Unusual, <Data/>",
    ""
)]
#[case::interior_node("<Format>node</Format>", "", "", "")]
#[case::nothing("<Format>null</Format>", "", "", "")]
#[case::unknown_format("<Format>text</Format>", "<Data/>", "bad-value, Value, <Format", "/Meta")]
#[case::repeated(
    "<Type>a</Type><Type>b</Type>",
    "<Data/>",
    "repeated-meta, MetaInformation, <Type",
    "/Meta"
)]
#[case::any_order("<Type>a</Type><Format>chr</Format>", "<Data/>", "", "")]
#[case::nonce(
    "<NextNonce>AA==</NextNonce>",
    "<Data/>",
    "left-out, Unusual, <NextNonce",
    "/Meta"
)]
#[case::text("now", "<Data/>", "left-out, Unusual, <Meta>", "/Meta")]
fn the_meta_information_of_an_item_is_checked(
    #[case] inside: &str,
    #[case] data: &str,
    #[case] expected: &str,
    #[case] place: &str,
    #[values(false, true)] is_for_all: bool,
) {
    let (of_command, of_item) = match is_for_all {
        true => (meta(inside), String::new()),
        false => (String::new(), meta(inside)),
    };
    let text = message(
        "",
        &format!(
            "<Add><CmdID>1</CmdID>{of_command}{}</Add>",
            item(&(of_item + data))
        ),
    );
    let found = all(&text);
    assert_eq!(found.len(), usize::from(!expected.is_empty()), "{found:#?}");
    assert!(
        found.iter().all(|found| found.starts_with(expected)),
        "{found:#?}"
    );
    let path = match is_for_all && !place.is_empty() {
        true => format!("in SyncBody/Add{place}:"),
        false => format!("in SyncBody/Add/Item{place}:"),
    };
    assert!(found.iter().all(|found| found.contains(&path)), "{found:#?}");
}

#[test]
fn meta_information_in_a_wrapper_is_read_and_noted() {
    let wrapped = "<Meta><MetInf xmlns='syncml:metinf'><Format>chr</Format></MetInf></Meta>";
    let text = message("", &format!("<Get><CmdID>1</CmdID>{wrapped}{}</Get>", item("")));
    let reading = xml(text.as_bytes());
    let Command::Get(get) = &reading.message.commands[0] else {
        panic!("it is a Get")
    };
    assert_eq!(get.meta, Meta::of_format(Format::Chr));
    let expected = "wrapped-meta, Unusual, <MetInf xmlns='syncml:metinf'> in SyncBody/Get/Meta: \
                    `MetInf` is around meta information";
    assert_eq!(all(&text), [expected]);
    assert!(reading.is_strict());
}

#[rstest]
#[case::zero(
    "<Alert><CmdID>0</CmdID><Data>1201</Data></Alert>",
    "bad-value, Value, <CmdID> in SyncBody/Alert: `CmdID` is `0`, where anything but 0 belongs"
)]
#[case::empty(
    "<Alert><CmdID/><Data>1201</Data></Alert>",
    "bad-value, Value, <CmdID/> in SyncBody/Alert: `CmdID` is ``, where a text belongs"
)]
#[case::empty_address(
    "<Get><CmdID>1</CmdID><Item><Target><LocURI/></Target></Item></Get>",
    "bad-value, Value, <LocURI/> in SyncBody/Get/Item/Target: `LocURI` is ``, where a text belongs"
)]
#[case::code(
    "<Alert><CmdID>1</CmdID><Data>soon</Data></Alert>",
    "bad-value, Value, <Data> in SyncBody/Alert: `Data` is `soon`, where a code belongs"
)]
#[case::signed_code(
    "<Alert><CmdID>1</CmdID><Data>+1201</Data></Alert>",
    "bad-value, Value, <Data> in SyncBody/Alert: `Data` is `+1201`, where a code belongs"
)]
#[case::code_that_is_none(
    "<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Data>0</Data></Status>",
    "bad-value, Value, <Data> in SyncBody/Status: `Data` is `0`, where a code belongs"
)]
#[case::large_code(
    "<Alert><CmdID>1</CmdID><Data>99999</Data></Alert>",
    "bad-value, Value, <Data> in SyncBody/Alert: `Data` is `99999`, where a code belongs"
)]
#[case::white_space(
    "<Alert><CmdID> 1</CmdID><Data>1201</Data></Alert>",
    "read-as, Unusual, <CmdID> in SyncBody/Alert: `CmdID` is ` 1`, and read as `1`"
)]
#[case::leading_zero(
    "<Alert><CmdID>1</CmdID><Data>01201</Data></Alert>",
    "read-as, Unusual, <Data> in SyncBody/Alert: `Data` is `01201`, and read as `1201`"
)]
fn a_text_that_does_not_say_what_it_should_is_noted(#[case] body: &str, #[case] expected: &str) {
    assert_eq!(all(&message("", body)).join("\n"), expected);
}

#[rstest]
#[case::size(
    "<Meta><MaxMsgSize xmlns='syncml:metinf'>big</MaxMsgSize></Meta>",
    "bad-value, Value, <MaxMsgSize xmlns='syncml:metinf'> in SyncHdr/Meta: \
     `MaxMsgSize` is `big`, where a number of octets belongs"
)]
#[case::namespace_of_meta(
    "<Meta><MaxMsgSize>9</MaxMsgSize></Meta>",
    "wrong-namespace, Namespace, <MaxMsgSize> in SyncHdr/Meta: \
     `MaxMsgSize` is in the namespace `SYNCML:SYNCML1.2`"
)]
#[case::namespace_where_it_begins(
    "<Cred xmlns='urn:x'><Data>AA==</Data><Meta><Type xmlns='syncml:metinf'>syncml:auth-basic</Type></Meta></Cred>",
    "wrong-namespace, Namespace, <Cred xmlns='urn:x'> in SyncHdr: `Cred` is in the namespace `urn:x`\n\
     wrong-order, ContentModel, <Meta> in SyncHdr/Cred: `Meta` should precede `Data`"
)]
#[case::no_namespace(
    "<RespURI xmlns=''>u</RespURI>",
    "wrong-namespace, Namespace, <RespURI xmlns=''> in SyncHdr: `RespURI` is in no namespace"
)]
#[case::repeated(
    "<RespURI>a</RespURI><RespURI>b</RespURI>",
    "repeated-element, ContentModel, <RespURI> in SyncHdr: `RespURI` is there more than once"
)]
#[case::no_kind_of_credentials(
    "<Cred><Data>AA==</Data></Cred>",
    "missing-for-dm, Dm, <Cred> in SyncHdr/Cred: `Type` is missing, which OMA DM needs here"
)]
#[case::digest_without_format(
    "<Cred><Meta><Type xmlns='syncml:metinf'>syncml:auth-md5</Type></Meta><Data>AA==</Data></Cred>",
    "not-base64, Dm, <Cred> in SyncHdr: `Cred` does not say the format b64"
)]
#[case::digest_in_another_format(
    "<Cred><Meta><Format xmlns='syncml:metinf'>chr</Format><Type xmlns='syncml:metinf'>syncml:auth-md5</Type></Meta>\
     <Data>AA==</Data></Cred>",
    "not-base64, Dm, <Cred> in SyncHdr: `Cred` has the format `chr`, where b64 belongs"
)]
#[case::no_base64(
    "<Cred><Meta><Format xmlns='syncml:metinf'>b64</Format><Type xmlns='syncml:metinf'>syncml:auth-basic</Type>\
     </Meta><Data>!</Data></Cred>",
    "bad-value, Value, <Data> in SyncHdr/Cred: `Data` is `!`, where base64 belongs"
)]
#[case::integrity(
    "<Cred><Meta><Type xmlns='syncml:metinf'>syncml:auth-MAC</Type></Meta><Data>AA==</Data></Cred>",
    "mac-in-cred, Dm, <Cred> in SyncHdr: `Cred` is for syncml:auth-MAC, which goes with HTTP"
)]
#[case::extension(
    "<Meta><EMI xmlns='syncml:metinf'>x</EMI></Meta>",
    "left-out, Unusual, <EMI xmlns='syncml:metinf'> in SyncHdr/Meta: `EMI` is not kept"
)]
fn a_departure_in_the_header_is_noted(#[case] header: &str, #[case] expected: &str) {
    assert_eq!(all(&message(header, ALERT)).join("\n"), expected);
}

#[rstest]
#[case::as_it_should_be(
    "<Format>b64</Format><Type>syncml:auth-md5</Type><NextNonce>AA==</NextNonce>",
    ""
)]
#[case::basic("<Type>syncml:auth-basic</Type>", "")]
#[case::no_kind(
    "<Format>b64</Format>",
    "missing-for-dm, Dm, <Chal> in SyncBody/Status/Chal: `Type` is missing, which OMA DM needs here"
)]
#[case::no_nonce(
    "<Format>b64</Format><Type>syncml:auth-MAC</Type>",
    "missing-for-dm, Dm, <Chal> in SyncBody/Status/Chal: `NextNonce` is missing, which OMA DM needs here"
)]
#[case::no_format(
    "<Type>syncml:auth-md5</Type><NextNonce>AA==</NextNonce>",
    "not-base64, Dm, <Chal> in SyncBody/Status: `Chal` does not say the format b64"
)]
#[case::nonce_as_it_is(
    "<Format>b64</Format><Type>syncml:auth-md5</Type><NextNonce>n!</NextNonce>",
    "bad-value, Value, <NextNonce xmlns='syncml:metinf'> in SyncBody/Status/Chal/Meta: \
     `NextNonce` is `n!`, where base64 belongs"
)]
fn a_challenge_is_checked(#[case] inside: &str, #[case] expected: &str) {
    let body = format!(
        "<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Chal>{}</Chal>\
         <Data>401</Data></Status>",
        meta(inside)
    );
    assert_eq!(all(&message("", &body)).join("\n"), expected);
}

#[rstest]
#[case::protocol(
    "DM/1.2",
    "DM/1.4",
    "version, Version, <VerProto> in SyncHdr: VerProto is `DM/1.4`"
)]
#[case::next_protocol(
    "DM/1.2",
    "DM/1.3",
    "version, Unusual, <VerProto> in SyncHdr: VerProto is `DM/1.3`"
)]
#[case::no_protocol("DM/1.2", "", "version, Version, <VerProto> in SyncHdr: VerProto is ``")]
#[case::document(">1.2<", ">1.1<", "version, Version, <VerDTD> in SyncHdr: VerDTD is `1.1`")]
#[case::older_namespace(
    "SYNCML1.2",
    "SYNCML1.1",
    "version, Version, <SyncML xmlns='SYNCML:SYNCML1.1'> in SyncML: SyncML is `SYNCML:SYNCML1.1`"
)]
#[case::no_namespace(
    " xmlns='SYNCML:SYNCML1.2'",
    "",
    "wrong-namespace, Namespace, <SyncML> in SyncML: `SyncML` is in no namespace"
)]
fn another_version_is_read_and_noted(#[case] from: &str, #[case] to: &str, #[case] expected: &str) {
    let text = message("", ALERT).replace(from, to);
    assert_eq!(all(&text), [expected]);
    assert_eq!(xml(text.as_bytes()).message.header.session_id, "A7");
}

#[test]
fn what_is_around_the_elements_of_wbxml_is_noted() {
    let octets = write(&xml(message("", ALERT).as_bytes()).message, Encoding::Wbxml);
    let notes = |octets: &[u8]| -> Vec<_> {
        let observations = read(octets, Encoding::Wbxml).unwrap().observations;
        observations
            .into_iter()
            .map(|observation| (observation.departure, observation.at))
            .collect()
    };
    assert_eq!(notes(&octets), []);
    let behind = octets.len()..octets.len() + 3;
    assert_eq!(
        notes(&[octets.as_slice(), b"xyz"].concat()),
        [(Departure::Wbxml(Oddity::Trailing(3)), behind)]
    );
    let mut later = octets.clone();
    later[0] = 4;
    assert_eq!(notes(&later), [(Departure::Wbxml(Oddity::Version(4)), 0..1)]);
    let unknown = [&[octets[0], 0x01], &octets[3..]].concat();
    let departure = Departure::Version {
        element: "public identifier",
        found: "public id 0x1".to_owned(),
    };
    assert_eq!(notes(&unknown), [(departure, 1..4)]);
    let older = [&[octets[0], 0x9F, 0x53], &octets[3..]].concat();
    let departure = Departure::Version {
        element: "SyncML",
        found: NAMESPACE_1_1.to_owned(),
    };
    assert_eq!(notes(&older), [(departure, 5..octets.len())]);
}

#[test]
fn octets_that_are_no_text_are_noted_where_text_belongs() {
    let octets = write(&xml(message("", ALERT).as_bytes()).message, Encoding::Wbxml);
    let at = octets
        .windows(4)
        .position(|four| four == [0x03, b'9', b'9', 0])
        .unwrap();
    let broken = [&octets[..at], &[0xC3, 2, b'9', 0xFF], &octets[at + 4..]].concat();
    let reading = read(&broken, Encoding::Wbxml).unwrap();
    let departure = Departure::BadValue {
        element: "CmdID".to_owned(),
        expected: "text in UTF-8",
        found: "9\u{FFFD}".to_owned(),
    };
    assert_eq!(reading.observations[0].departure, departure);
    assert_eq!(reading.observations.len(), 1);
    assert_eq!(
        &broken[reading.observations[0].at.clone()],
        [0x4B, 0xC3, 2, b'9', 0xFF, 1]
    );
}

#[test]
fn markup_in_the_data_of_an_item_has_a_code_page_in_wbxml_but_no_place_in_a_status() {
    let object = Element::new("syncml:dmddf1.2", "MgmtTree")
        .with_child(Element::new("syncml:dmddf1.2", "VerDTD").with_text("1.2"));
    let item = Item {
        data: Some(Data::Element(object)),
        ..Item::at("./A")
    };
    let mut message = xml(message("", ALERT).as_bytes()).message;
    message
        .commands
        .push(Command::Add(Operation::on(vec![item])).with_id("1"));
    let octets = write(&message, Encoding::Wbxml);
    assert_eq!(read(&octets, Encoding::Wbxml).unwrap().observations, []);
    let code = octets.windows(6).position(|six| six == b"\x031201\0").unwrap();
    // A `<Final/>` inside.
    let marked = [&octets[..code], &[0x12], &octets[code..]].concat();
    let observations = read(&marked, Encoding::Wbxml).unwrap().observations;
    assert_eq!(observations[0].departure, Departure::MarkupInData);
    assert_eq!(observations.len(), 1);
}

#[test]
fn a_nonce_in_octets_is_read_in_base64_and_noted() {
    let challenge = Challenge {
        scheme: "syncml:auth-md5".to_owned(),
        format: Some("b64".to_owned()),
        next_nonce: Some("Tm9uY2U=".to_owned()),
    };
    let mut message = xml(message("", ALERT).as_bytes()).message;
    message.commands.push(Command::Status(Status {
        id: "1".to_owned(),
        message_ref: "1".to_owned(),
        command_ref: "0".to_owned(),
        command: "SyncHdr".to_owned(),
        target_refs: Vec::new(),
        source_refs: Vec::new(),
        challenge: Some(challenge),
        code: StatusCode::AUTHENTICATED,
        items: Vec::new(),
    }));
    let octets = write(&message, Encoding::Wbxml);
    let at = octets.windows(8).position(|eight| eight == b"Tm9uY2U=").unwrap();
    let raw = [&octets[..at - 1], &[0xC3, 3, 0x01, 0xFF, 0x02], &octets[at + 9..]].concat();
    let reading = read(&raw, Encoding::Wbxml).unwrap();
    let departure = Departure::ReadAs {
        element: "NextNonce".to_owned(),
        found: "3 octets".to_owned(),
        read: "Af8C".to_owned(),
    };
    assert_eq!(reading.observations[0].departure, departure);
    assert!(reading.is_strict());
}

#[test]
fn the_older_version_is_noted_once_not_for_every_element() {
    let text = message("", ALERT)
        .replace("SYNCML1.2", "SYNCML1.1")
        .replace("DM/1.2", "DM/1.1");
    let text = text.replace("<VerDTD>1.2", "<VerDTD>1.1");
    let codes: Vec<_> = xml(text.as_bytes())
        .observations
        .iter()
        .map(|observation| observation.departure.code())
        .collect();
    assert_eq!(codes, ["version", "version", "version"]);
}

#[test]
fn everything_that_departs_is_noted_not_only_the_first() {
    let body = "<Get mood=''><Mood/><Cred/></Get><Alert><CmdID>1</CmdID><Data>x</Data></Alert>";
    let codes: Vec<_> = xml(message("<Mood/>", body).as_bytes())
        .observations
        .iter()
        .map(|observation| observation.departure.code())
        .collect();
    let expected = [
        "unknown-element",
        "attribute",
        "missing-element",
        "missing-element",
        "unknown-element",
        "missing-element",
        "misplaced-cred",
        "bad-value",
    ];
    assert_eq!(codes, expected);
}

#[test]
fn strict_reading_refuses_with_all_breaches_but_not_for_what_is_unusual() {
    let unusual = message("", "<Alert><CmdID> 1</CmdID><Data>1201</Data></Alert>");
    assert!(read_strict(unusual.as_bytes(), Encoding::Xml).is_ok());
    let broken = message("", "<Alert><CmdID> 1</CmdID><Data>1199</Data><Mood/></Alert>");
    let error = read_strict(broken.as_bytes(), Encoding::Xml).unwrap_err();
    let StrictError::Breaches(breaches) = &error else {
        panic!("it is a message")
    };
    assert_eq!(breaches.len(), 2);
    insta::assert_snapshot!(
        error.to_string(),
        @"read the message strictly: SyncBody/Alert: the code 1199 of an Alert is reserved (octet 244); SyncBody/Alert: `Mood` is not known here (octet 261)"
    );
    assert!(matches!(
        read_strict(b"<a/>", Encoding::Xml),
        Err(StrictError::Read(ReadError::Root { .. }))
    ));
}

#[test]
fn a_departure_is_located_where_it_is() {
    let text = message("", "<Alert><CmdID>1</CmdID><Data>1201</Data><Mood/></Alert>");
    let text = text.replace("<Mood/>", "\n<Mood/>");
    let observation = xml(text.as_bytes()).observations.remove(0);
    assert_eq!(&text[observation.at.clone()], "<Mood/>");
    assert_eq!(
        place(text.as_bytes(), observation.at.start),
        Place { line: 2, column: 1 }
    );
}

#[test]
fn atomics_nested_too_deep_are_left_out_and_noted() {
    let deep = (0..20).fold(ALERT.to_owned(), |inner, id| {
        format!("<Atomic><CmdID>{id}x</CmdID>{inner}</Atomic>")
    });
    let document = message("", &deep);
    let reading = xml(document.as_bytes());
    assert_eq!(reading.message.commands.len(), 1);
    let too_deep = Departure::TooDeep("Atomic".to_owned());
    let count = |of: &Departure| {
        let notes = reading.observations.iter();
        notes.filter(|observation| observation.departure == *of).count()
    };
    assert_eq!((count(&too_deep), count(&Departure::NestedAtomic)), (1, 19));
    // However deep it goes on, what is noted of it stays short.
    let longest = reading
        .observations
        .iter()
        .map(|observation| observation.path.len());
    assert_eq!(
        longest.max(),
        Some("SyncBody".len() + 11 * "/Atomic".len() + "/…".len())
    );
}

#[test]
fn a_command_is_found_by_its_identifier_in_a_group_too() {
    let get = "<Get><CmdID>7</CmdID><Item><Target><LocURI>./A</LocURI></Target></Item></Get>";
    let text = message("", &format!("{ALERT}<Sequence><CmdID>1</CmdID>{get}</Sequence>"));
    let reading = xml(text.as_bytes());
    assert_eq!(&text[reading.command("7").unwrap().at.clone()], get);
    assert_eq!(reading.command("8"), None);
}

#[test]
fn departures_can_be_asked_for_by_rule() {
    let text = message("", "<Alert><CmdID>1</CmdID><Data>1199</Data><Mood/></Alert>");
    let reading = xml(text.as_bytes());
    let of = |rule| reading.departures_from(rule).count();
    assert_eq!((of(Rule::ContentModel), of(Rule::Dm), of(Rule::Value)), (1, 1, 0));
    assert!(!reading.is_strict());
}

#[rstest]
#[case::xml("application/vnd.syncml.dm+xml", &[])]
#[case::wbxml("Application/vnd.syncml.dm+WBXML; charset=UTF-8", &[])]
#[case::versions("application/vnd.syncml.dm+xml; VerProto=\"DM/1.2\"; verdtd=1.2", &[])]
#[case::of_data_synchronisation(
    "application/vnd.syncml+xml; charset=UTF-8",
    &["media-type: the media type is `application/vnd.syncml+xml`, which is not of OMA DM"]
)]
#[case::other_version(
    "application/vnd.syncml.dm+xml; verproto=\"DM/1.1\"",
    &["media-type-version: verproto is `DM/1.1`, where the message says `DM/1.2`"]
)]
fn a_media_type_is_checked(#[case] media_type: &str, #[case] expected: &[&str]) {
    let document = message("", ALERT);
    let reading = xml(document.as_bytes());
    let found: Vec<_> = reading
        .departures_of_media_type(media_type)
        .iter()
        .map(|departure| format!("{}: {departure}", departure.code()))
        .collect();
    assert_eq!(found, expected);
}
