//! The TLS of a product's endpoints: versions, certificates, and whether it asks for them.

use std::time::Duration;

use dmconform_model::Role;
use dmconform_model::certificate::Certificate;
use dmconform_model::tls::Version;
use dmconform_model::transcript::EndpointKind;
use dmconform_roles::{Knock, Presents};

use super::{Examination, Topic};
use crate::target::Running;
use crate::variables::{Variables, filled};

/// How long one handshake may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks at every endpoint of the product.
pub(super) async fn look(examination: &Examination<'_>, running: &Running) {
    let plays = &examination.file.implementation.plays;
    let mut device = Variables::new();
    device.insert("device".to_owned(), examination.file.implementation.devices.id(1));
    for (role, at) in &running.endpoints {
        if !plays.contains(role) {
            continue;
        }
        let endpoints = [
            (EndpointKind::Dm, &at.dm),
            (EndpointKind::Delegation, &at.delegation),
            (EndpointKind::Bootstrap, &at.bootstrap),
        ];
        for (kind, url) in endpoints {
            if let Some(url) = url {
                let endpoint = Endpoint {
                    role: *role,
                    kind,
                    url: &filled(url, &device),
                };
                endpoint.look(examination, running).await;
            }
        }
    }
}

struct Endpoint<'a> {
    role: Role,
    kind: EndpointKind,
    url: &'a str,
}

impl Endpoint<'_> {
    fn called(&self) -> String {
        let kind = match self.kind {
            EndpointKind::Dm => "DM sessions",
            EndpointKind::Delegation => "the other server",
            EndpointKind::Bootstrap => "bootstraps",
        };
        format!("the endpoint of {} for {kind}", self.role)
    }

    /// What a peer presents there that has every right to.
    fn presents(&self) -> Presents {
        match self.kind {
            EndpointKind::Delegation => {
                let other = if self.role == Role::Dms1 {
                    Role::Dms2
                } else {
                    Role::Dms1
                };
                Presents::Own(other, Certificate::Good)
            }
            EndpointKind::Dm | EndpointKind::Bootstrap => Presents::Nothing,
        }
    }

    async fn knock(&self, running: &Running, presents: Presents, version: Option<Version>) -> Knock {
        running.stage.knock(self.url, presents, version, PATIENCE).await
    }

    async fn look(&self, examination: &Examination<'_>, running: &Running) {
        let called = self.called();
        let usual = self.knock(running, self.presents(), None).await;
        let Some(facts) = usual.facts.filter(|_| usual.status.is_some()) else {
            let reason = usual.reason.unwrap_or_default();
            return examination.bad(
                Topic::Tls,
                format!("{called}, {}, cannot be talked to: {reason}", self.url),
                "if it is the certificate: let the product present `${tls.ROLE.certificate}`, or name the roots of its own chain \
                 under `certificates.trust`; if it refuses ours, let it trust `${tls.roots}`",
            );
        };
        let subject = facts.peer.map(|peer| peer.subject).unwrap_or_default();
        let mut spoken = Vec::new();
        for version in [Version::V1_2, Version::V1_3] {
            if self
                .knock(running, self.presents(), Some(version))
                .await
                .status
                .is_some()
            {
                spoken.push(version.as_str());
            }
        }
        examination.good(
            Topic::Tls,
            format!("{called} speaks {}, as {subject}", spoken.join(" and ")),
        );
        let outdated = self.knock(running, self.presents(), Some(Version::V1_1)).await;
        if outdated.facts.is_some() {
            examination.doubtful(
                Topic::Tls,
                format!("{called} agrees to TLS 1.1"),
                "switch off what is older than TLS 1.2; cases about that will fail or warn",
            );
        }
        if self.kind == EndpointKind::Delegation {
            let nobody = self.knock(running, Presents::Nothing, None).await;
            if let Some(status) = nobody.status {
                examination.doubtful(
                    Topic::Tls,
                    format!("{called} answers {status} to a peer without a certificate"),
                    "if the peer is not refused later on either, cases about mutual authentication will fail",
                );
            } else {
                examination.good(
                    Topic::Tls,
                    format!("{called} refuses a peer without a certificate"),
                );
            }
        }
    }
}
