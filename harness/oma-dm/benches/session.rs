//! How long the messages of a session take to read and write, beside a bare parser of XML on the same octets.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use oma_dm::syncml::{self, Encoding};
use oma_dm::wbxml;
use oma_dm::xml::Element;

/// The messages of a whole session, in their order.
const SESSION: [&str; 4] = [
    include_str!("../tests/worked-session/1-client-package1.xml"),
    include_str!("../tests/worked-session/2-server-package2.xml"),
    include_str!("../tests/worked-session/3-client-package3.xml"),
    include_str!("../tests/worked-session/4-server-package4.xml"),
];

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    read(&mut criterion);
    write(&mut criterion);
    criterion.final_summary();
}

fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read a session");
    group.throughput(Throughput::Bytes(
        SESSION.iter().map(|text| text.len() as u64).sum(),
    ));
    group.bench_function("XML, bare events of quick-xml", |bencher| {
        bencher.iter(|| SESSION.map(|text| events(black_box(text))));
    });
    group.bench_function("XML, bare tree of roxmltree", |bencher| {
        bencher.iter(|| {
            for text in SESSION {
                black_box(roxmltree::Document::parse(black_box(text)).expect("the session is XML"));
            }
        });
    });
    group.bench_function("XML, elements", |bencher| {
        bencher.iter(|| {
            for text in SESSION {
                black_box(Element::parse(black_box(text).as_bytes()).expect("the session is XML"));
            }
        });
    });
    group.bench_function("XML, typed and checked", |bencher| {
        bencher.iter(|| {
            for text in SESSION {
                black_box(
                    syncml::read(black_box(text).as_bytes(), Encoding::Xml).expect("the session is SyncML"),
                );
            }
        });
    });

    let session = SESSION.map(|text| wbxml::encode(&element(text)));
    group.throughput(Throughput::Bytes(
        session.iter().map(|octets| octets.len() as u64).sum(),
    ));
    group.bench_function("WBXML, elements", |bencher| {
        bencher.iter(|| {
            for octets in &session {
                black_box(wbxml::decode(black_box(octets)).expect("the session is WBXML"));
            }
        });
    });
    group.bench_function("WBXML, typed and checked", |bencher| {
        bencher.iter(|| {
            for octets in &session {
                black_box(syncml::read(black_box(octets), Encoding::Wbxml).expect("the session is SyncML"));
            }
        });
    });
}

fn write(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write a session");
    let messages = SESSION.map(|text| {
        let reading = syncml::read(text.as_bytes(), Encoding::Xml).expect("the session is SyncML");
        reading.message
    });
    for (name, encoding) in [("XML", Encoding::Xml), ("WBXML", Encoding::Wbxml)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for message in &messages {
                    black_box(syncml::write(black_box(message), encoding));
                }
            });
        });
    }
}

fn element(text: &str) -> Element<'_> {
    Element::parse(text.as_bytes()).expect("the session is XML")
}

/// The number of events of a document.
fn events(text: &str) -> usize {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut events = 0;
    while reader.read_event().expect("the session is XML") != quick_xml::events::Event::Eof {
        events += 1;
    }
    events
}
