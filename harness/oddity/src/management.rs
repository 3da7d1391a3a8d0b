//! What is unusual in the management tree.

use oma_dm::syncml::{Alert, AlertCode, Item, Meta};

use crate::{Oddities, Oddity};

impl Oddities {
    /// An ACL that grants the same in another order (OMA-TS-DM_TND 7.7.1 prescribes none).
    pub fn acl(&self, usual: &str) -> String {
        if !self.has(Oddity::AclsInAnotherOrder) {
            return usual.to_owned();
        }
        let reversed = |right: &str| match right.split_once('=') {
            Some((name, servers)) => {
                let servers: Vec<&str> = servers.rsplit('+').collect();
                format!("{name}={}", servers.join("+"))
            }
            None => right.to_owned(),
        };
        let rights: Vec<String> = usual.rsplit('&').map(reversed).collect();
        rights.join("&")
    }

    /// What a client says of its own in package 1 (OMA-TS-DM_Protocol 8.7).
    pub fn events(&self) -> Vec<Alert> {
        if !self.has(Oddity::FurtherAlerts) {
            return Vec::new();
        }
        let meta = Meta {
            format: Some("chr".to_owned()),
            media_type: Some("urn:example:alert".to_owned()),
            mark: Some("informational".to_owned()),
            ..Meta::default()
        };
        let item = Item {
            meta,
            ..Item::default()
        };
        vec![Alert {
            id: String::new(),
            code: AlertCode::GENERIC,
            correlator: None,
            items: vec![item.with_text("all is well")],
        }]
    }

    /// The name of an entry in the Bootstrap Config object; whoever writes the entry chooses it.
    pub fn entry_name(&self, usual: &str) -> String {
        match self.has(Oddity::UnusualEntryNames) {
            true => format!("{usual}-._~{:X}", self.number("entry", 0, 0xffff)),
            false => usual.to_owned(),
        }
    }

    /// The URL that DMS-2 tells in step 3; whoever serves it chooses it.
    pub fn bootstrap_url(&self, usual: String) -> String {
        match self.has(Oddity::UrlsWithQueries) {
            true => {
                let sign = if usual.contains('?') { '&' } else { '?' };
                format!(
                    "{usual}{sign}a=%2F%C3%A9+&b=x;y:@!$*,&c={:x}",
                    self.number("query", 0, 0xffff)
                )
            }
            false => usual,
        }
    }
}

#[cfg(test)]
mod tests {
    use oma_dm::acl::Acl;
    use oma_dm::uri::NodeUri;

    use super::*;

    fn all() -> Oddities {
        Oddities::new(Oddity::ALL.iter().copied(), 5)
    }

    #[test]
    fn an_acl_in_another_order_grants_the_same() {
        let usual = "Add=a+b&Get=*&Replace=b";
        let odd = all().acl(usual);
        assert_eq!(odd, "Replace=b&Get=*&Add=b+a");
        assert_eq!(Acl::parse(&odd), Acl::parse(usual));
    }

    #[test]
    fn an_unusual_name_is_a_name() {
        let name = all().entry_name("dms2");
        assert_ne!(name, "dms2");
        assert!(NodeUri::parse(&format!("./BootstrapConfig/{name}")).is_ok());
    }
}
