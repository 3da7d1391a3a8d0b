//! Who the two ends call themselves and each other.

use super::{Irregularity, Sender};
use crate::syncml::Header;

/// What has been said so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Addresses {
    client: Option<String>,
    /// What the client speaks to, and what the server calls itself or asks to be called.
    server: Vec<String>,
    server_source: Option<String>,
}

impl Addresses {
    /// Takes a header: what contradicts the ones before.
    pub(super) fn take(&mut self, sender: Sender, header: &Header) -> Vec<Irregularity> {
        match sender {
            Sender::Client => self.of_client(header),
            Sender::Server => self.of_server(header),
        }
    }

    fn of_client(&mut self, header: &Header) -> Vec<Irregularity> {
        let mut found = Vec::new();
        let source = &header.source.uri;
        found.extend(changed(self.client.as_ref(), source));
        self.client.get_or_insert_with(|| source.clone());
        let target = &header.target.uri;
        match self.server.last() {
            Some(expected) if !self.server.contains(target) => found.push(Irregularity::WrongTarget {
                expected: expected.clone(),
                found: target.clone(),
            }),
            Some(_) => {}
            None => self.server.push(target.clone()),
        }
        found
    }

    fn of_server(&mut self, header: &Header) -> Vec<Irregularity> {
        let mut found = Vec::new();
        if let Some(expected) = self
            .client
            .as_ref()
            .filter(|client| **client != header.target.uri)
        {
            found.push(Irregularity::WrongTarget {
                expected: expected.clone(),
                found: header.target.uri.clone(),
            });
        }
        let source = &header.source.uri;
        if !self.server.contains(source) {
            let expected = self.server.first().cloned();
            match (changed(self.server_source.as_ref(), source), expected) {
                (Some(irregularity), _) => found.push(irregularity),
                (None, Some(expected)) => found.push(Irregularity::OtherSource {
                    expected,
                    found: source.clone(),
                }),
                (None, None) => {}
            }
            // Said once.
            self.server.push(source.clone());
        }
        self.server_source = Some(source.clone());
        // Where the next message goes: clients differ in whether they call the server so, too.
        if let Some(uri) = &header.response_uri
            && !self.server.contains(uri)
        {
            self.server.push(uri.clone());
        }
        found
    }
}

fn changed(expected: Option<&String>, found: &str) -> Option<Irregularity> {
    let expected = expected.filter(|expected| *expected != found)?;
    Some(Irregularity::SourceChanged {
        expected: expected.clone(),
        found: found.to_owned(),
    })
}
