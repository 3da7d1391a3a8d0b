//! How many instructions the decoders take, and that they take no more for each octet of a longer document.
//!
//! Instructions, unlike time, are the same on a busy machine. The program runs itself under Callgrind, once for each figure;
//! what is named on the command line (`-- 'read XML'`) selects figures.

#![expect(
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "the crate is pure, what measures it is not"
)]

use std::hint::black_box;
use std::process::{Command, ExitCode};

use oma_dm::acl::Acl;
use oma_dm::bootstrap::{self, Form};
use oma_dm::syncml::{self, Encoding};
use oma_dm::tnds::ManagementTree;
use oma_dm::wbxml;
use oma_dm::xml::Element;

mod documents;

use documents::{SESSION, in_wbxml};

/// What the program is told when it runs under Callgrind.
const MEASURE: &str = "--measure";

const SHORT: usize = 100_000;
const LONG: usize = 1_000_000;

/// How many times the instructions of the short document the long one may take: ten for its length, one for what is left.
const MOST: f64 = 11.0;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [told, name, octets] if told == MEASURE => {
            let octets = octets.parse().expect("the program tells itself a number");
            measure(name, octets);
            ExitCode::SUCCESS
        }
        names => report(names.iter().find(|name| !name.starts_with("--"))),
    }
}

fn report(only: Option<&String>) -> ExitCode {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: valgrind not installed");
        return match std::env::var_os("DMCONFORM_NO_SKIPS") {
            Some(_) => ExitCode::FAILURE,
            None => ExitCode::SUCCESS,
        };
    }
    let selected = |name: &&&str| only.is_none_or(|only| name.contains(only.as_str()));

    println!(
        "{:34} {:>12} {:>9}",
        "a session of four messages", "instructions", "of a tree"
    );
    let bare = instructions(ON_SESSION[0], 0);
    for name in ON_SESSION.iter().filter(selected) {
        let taken = instructions(name, 0);
        println!("{name:34} {taken:12} {:9.2}", taken as f64 / bare as f64);
    }

    println!(
        "\n{:34} {:>12} {:>12} {:>9}",
        "long documents", SHORT, LONG, "times"
    );
    let mut broken = false;
    for name in ON_DOCUMENT.iter().filter(selected) {
        let [short, long] = [SHORT, LONG].map(|octets| instructions(name, octets));
        let times = long as f64 / short as f64;
        let verdict = if times > MOST { "  too many" } else { "" };
        println!("{name:34} {short:12} {long:12} {times:9.2}{verdict}");
        broken |= times > MOST;
    }
    if broken {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Runs this program under Callgrind, which counts what passes inside of [`counted`].
fn instructions(name: &str, octets: usize) -> u64 {
    let program = std::env::current_exe().expect("the program knows where it is");
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            "--toggle-collect=*counted*",
        ])
        .arg(program)
        .args([MEASURE, name, &octets.to_string()])
        .output()
        .expect("valgrind was there a moment ago");
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected :"));
    let collected = collected.and_then(|(_, number)| number.trim().parse().ok());
    collected.unwrap_or_else(|| panic!("Callgrind tells how much it collected, and not:\n{said}"))
}

/// The only place in which instructions count.
#[inline(never)]
fn counted(work: &mut dyn FnMut()) {
    work();
}

const ON_SESSION: [&str; 8] = [
    "bare tree of roxmltree",
    "bare events of quick-xml",
    "XML to elements",
    "XML to messages",
    "WBXML to elements",
    "WBXML to messages",
    "messages to XML",
    "messages to WBXML",
];

const ON_DOCUMENT: [&str; 20] = [
    "XML to a message",
    "XML to a message of a long value",
    "XML to a message full of departures",
    "WBXML to a message",
    "WBXML to a message of a long value",
    "message to XML",
    "message to WBXML",
    "XML to an object",
    "WBXML to an object",
    "object to XML",
    "object to WBXML",
    "XML to a bootstrap",
    "WBXML to a bootstrap",
    "XML of empty elements",
    "XML of namespaces",
    "XML of attributes",
    "XML of text in pieces",
    "WBXML of references",
    "WBXML of literals",
    "ACL",
];

/// Does once what a name says; `octets` is the length of the document.
fn measure(name: &str, octets: usize) {
    match name {
        "bare tree of roxmltree" => session(|xml, _| {
            black_box(roxmltree::Document::parse(xml).expect("the session is XML"));
        }),
        "bare events of quick-xml" => session(|xml, _| {
            let mut reader = quick_xml::Reader::from_str(xml);
            while reader.read_event().expect("the session is XML") != quick_xml::events::Event::Eof {}
        }),
        "XML to elements" => session(|xml, _| elements(xml)),
        "XML to messages" => session(|xml, _| read_xml(xml)),
        "WBXML to elements" => session(|_, wbxml| decode(wbxml)),
        "WBXML to messages" => session(|_, wbxml| read_wbxml(wbxml)),
        "messages to XML" => SESSION.iter().for_each(|xml| write(xml, Encoding::Xml)),
        "messages to WBXML" => SESSION.iter().for_each(|xml| write(xml, Encoding::Wbxml)),

        "XML to a message" => on(documents::message(octets).as_str(), read_xml),
        "XML to a message of a long value" => on(documents::value(octets).as_str(), read_xml),
        "XML to a message full of departures" => on(documents::departures(octets).as_str(), read_xml),
        "WBXML to a message" => on(in_wbxml(&documents::message(octets)).as_slice(), read_wbxml),
        "WBXML to a message of a long value" => {
            on(in_wbxml(&documents::value(octets)).as_slice(), read_wbxml);
        }
        "message to XML" => write(&documents::message(octets), Encoding::Xml),
        "message to WBXML" => write(&documents::message(octets), Encoding::Wbxml),
        "XML to an object" => on(documents::object(octets).as_str(), |xml| {
            black_box(ManagementTree::from_xml(xml.as_bytes()).expect("it is an object"));
        }),
        "WBXML to an object" => on(in_wbxml(&documents::object(octets)).as_slice(), |wbxml| {
            black_box(ManagementTree::from_wbxml(wbxml).expect("it is an object"));
        }),
        "object to XML" => on(&object(octets), |object| {
            black_box(object.to_xml());
        }),
        "object to WBXML" => on(&object(octets), |object| {
            black_box(object.to_wbxml());
        }),
        "XML to a bootstrap" => on(documents::provisioning(octets).as_str(), |xml| {
            let read = bootstrap::read(xml.as_bytes(), Form::PROVISIONING_XML.media_type());
            black_box(read.expect("it is a bootstrap"));
        }),
        "WBXML to a bootstrap" => on(in_wbxml(&documents::provisioning(octets)).as_slice(), |wbxml| {
            let read = bootstrap::read(wbxml, Form::PROVISIONING_WBXML.media_type());
            black_box(read.expect("it is a bootstrap"));
        }),
        "XML of empty elements" => on(documents::empty_elements(octets).as_str(), elements),
        "XML of namespaces" => on(documents::namespaces(octets).as_str(), elements),
        "XML of attributes" => on(documents::attributes(octets).as_str(), elements),
        "XML of text in pieces" => on(documents::pieces(octets).as_str(), elements),
        "WBXML of references" => on(documents::references(octets).as_slice(), decode),
        "WBXML of literals" => on(documents::literals(octets).as_slice(), decode),
        // An ACL is shorter than what is measured here; as many are read as come to that length.
        "ACL" => on(documents::access_control().as_str(), |acl| {
            for _ in 0..octets / acl.len() {
                black_box(Acl::parse(acl).expect("it is an ACL"));
            }
        }),
        unknown => panic!("`{unknown}` is nothing that is measured"),
    }
}

fn session(mut work: impl FnMut(&str, &[u8])) {
    for xml in SESSION {
        let wbxml = in_wbxml(xml);
        counted(&mut || work(black_box(xml), black_box(&wbxml)));
    }
}

fn on<Document: ?Sized>(document: &Document, mut work: impl FnMut(&Document)) {
    counted(&mut || work(black_box(document)));
}

fn write(xml: &str, encoding: Encoding) {
    let reading = syncml::read(xml.as_bytes(), Encoding::Xml).expect("what is measured is SyncML");
    counted(&mut || {
        black_box(syncml::write(&reading.message, encoding));
    });
}

fn object(octets: usize) -> ManagementTree {
    ManagementTree::from_xml(documents::object(octets).as_bytes()).expect("it is an object")
}

fn read_xml(xml: &str) {
    black_box(syncml::read(xml.as_bytes(), Encoding::Xml).expect("what is measured is SyncML"));
}

fn read_wbxml(octets: &[u8]) {
    black_box(syncml::read(octets, Encoding::Wbxml).expect("what is measured is SyncML"));
}

fn decode(octets: &[u8]) {
    black_box(wbxml::decode(octets).expect("what is measured is WBXML"));
}

fn elements(xml: &str) {
    black_box(Element::parse(xml.as_bytes()).expect("what is measured is XML"));
}
