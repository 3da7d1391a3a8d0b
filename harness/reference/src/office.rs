//! The messages between the servers: takes those of the peer, sends the own ones.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dmconform_oddity::{Oddities, Oddity};
use tokio::sync::oneshot;

use crate::background::{Background, lock};
use crate::bootstrap_server::Provider;
use crate::delegation::document::{Answer, Document, DocumentError, Kind, MEDIA_TYPE};
use crate::delegation::ledger::{Bootstrap, Machine, Outgoing, Refusal, Sent, Side};
use crate::deviation::{Deviation, Deviations};
use crate::http::bare_media_type;
use crate::http::client::{HttpClient, Question};
use crate::http::server::{Handler, HttpRequest, Reply};
use crate::url::Url;

/// How long a server waits with its completion that takes messages for new ones afterwards.
const A_MOMENT: Duration = Duration::from_millis(100);

/// One server's side of its delegations.
pub(crate) struct Office<M> {
    pub(crate) machine: Mutex<M>,
    pub(crate) client: HttpClient,
    pub(crate) peers: BTreeMap<String, Url>,
    pub(crate) provider: Provider,
    pub(crate) background: Background,
    pub(crate) deviations: Deviations,
    pub(crate) oddities: Oddities,
    /// Where messages are taken.
    pub(crate) path: String,
    pub(crate) side: Side,
}

impl<M: Machine> Office<M> {
    /// Sends messages, each on its own, and goes on with what becomes of them.
    pub(crate) fn send(self: &Arc<Self>, outgoing: Vec<Outgoing>) {
        for message in outgoing {
            let office = Arc::clone(self);
            self.background.spawn(async move {
                let (session, kind) = (message.session.clone(), message.document.kind);
                if office.deviations.has(Deviation::RepeatsAfterCompletion)
                    && kind == Kind::DelegationComplete
                {
                    // What comes again at once comes before the completion, and not now before it, now after it.
                    tokio::time::sleep(A_MOMENT).await;
                }
                let result = office.deliver(&message.document).await;
                let next = lock(&office.machine).sent(&session, kind, result);
                office.send(next);
            });
        }
    }

    fn written(&self, document: &Document) -> Vec<u8> {
        let is_anonymous = document.kind == Kind::InitiationRequest
            && self.deviations.has(Deviation::InitiationWithoutServers);
        if !is_anonymous {
            return document.to_xml();
        }
        let anonymous = Document {
            delegating: String::new(),
            delegated: String::new(),
            ..document.clone()
        };
        anonymous.to_xml()
    }

    async fn deliver(&self, document: &Document) -> Sent {
        let peer = match self.side {
            Side::Delegating => &document.delegated,
            Side::Delegated => &document.delegating,
        };
        let url = self
            .peers
            .get(peer)
            .ok_or_else(|| format!("there is no peer `{peer}`"))?;
        let question = Question {
            method: "POST",
            body: Some((MEDIA_TYPE, self.oddities.document(self.written(document)))),
            accept: Some(MEDIA_TYPE),
            hmac: None,
        };
        let answer = self
            .client
            .ask(url, question)
            .await
            .map_err(|error| format!("failed to {error}"))?;
        let read = (!answer.body.is_empty()).then(|| Answer::read(&answer.body));
        if !answer.is_success() {
            let reason = read
                .and_then(Result::ok)
                .and_then(|answer| answer.refusal)
                .unwrap_or_default();
            return Err(format!(
                "`{peer}` refused with HTTP status {}: {reason}",
                answer.status
            ));
        }
        let Some(read) = read else { return Ok(None) };
        let read = read.map_err(|error| format!("failed to {error} in the answer of `{peer}`"))?;
        if let Some(reason) = read.refusal {
            return Err(format!("`{peer}` refused: {reason}"));
        }
        match read.session == document.session {
            true => Ok(read.bootstrap_url),
            false => Err(format!("`{peer}` answered about another session")),
        }
    }

    /// The notification that an unreadable document may have begun as, for those who look no closer: a deviation.
    fn overlooked(&self, body: &[u8]) -> Option<Document> {
        let (deviation, kind) = match self.side {
            Side::Delegating => (Deviation::AclAfterUnreadableNotification, Kind::BootstrapComplete),
            Side::Delegated => (
                Deviation::CompleteAfterUnreadableNotification,
                Kind::ClientPrepared,
            ),
        };
        let text = std::str::from_utf8(body).ok()?;
        if !self.deviations.has(deviation) || !text.contains(kind.name()) {
            return None;
        }
        let (_, rest) = text.split_once("SessionID>")?;
        let (session, _) = rest.split_once('<')?;
        let terms = lock(&self.machine).view(session)?.terms;
        Some(Document {
            kind,
            scope: None,
            ..terms
        })
    }

    /// Whether a document that cannot be read is accepted as an initiation request: deviations.
    fn accepts_unread(&self, body: &[u8], error: &DocumentError) -> bool {
        let text = String::from_utf8_lossy(body);
        let names = |kind: Kind| text.contains(kind.name());
        let is_for_want_of_a_device = matches!(error, DocumentError::Missing { name: "DeviceID" });
        let is_another = || {
            let mut kinds = Kind::ALL.into_iter();
            kinds.any(|kind| kind != Kind::InitiationRequest && names(kind))
        };
        // What nobody can tell from a request may be one.
        (self.deviations.has(Deviation::AcceptsUnreadableInitiation) && !is_another())
            || (self.deviations.has(Deviation::AcceptsIncompleteInitiation)
                && is_for_want_of_a_device
                && names(Kind::InitiationRequest))
    }

    /// Puts a bootstrap where it is fetched, to its end even when the peer that asked for it does not wait for the answer.
    async fn provide(self: &Arc<Self>, bootstrap: Bootstrap, document: &Document) -> Result<(), String> {
        let (done, outcome) = oneshot::channel();
        let office = Arc::clone(self);
        let (session, kind) = (document.session.clone(), document.kind);
        self.background.spawn(async move {
            let result = office.provider.provide(bootstrap).await;
            if let Err(problem) = &result {
                lock(&office.machine).sent(&session, kind, Err(problem.clone()));
            }
            // Whoever asked may be gone by now.
            done.send(result).ok();
        });
        outcome
            .await
            .unwrap_or_else(|_| Err("the server is about to stop".to_owned()))
    }

    async fn take(self: &Arc<Self>, request: &HttpRequest) -> Result<Reply, (Refusal, String)> {
        let anonymous = |refusal| (refusal, "unknown".to_owned());
        let document = match Document::read(&request.body) {
            Ok(document) => document,
            Err(error) => self.overlooked(&request.body).ok_or_else(|| {
                let mut refusal = Refusal::unreadable(format!("failed to {error}"));
                if self.accepts_unread(&request.body, &error) {
                    refusal.status = 200;
                }
                anonymous(refusal)
            })?,
        };
        if document.kind == Kind::InitiationRequest && self.deviations.has(Deviation::KeepsSilentOnInitiation)
        {
            return std::future::pending().await;
        }
        let result = lock(&self.machine).receive(&document, request.peer.as_deref());
        let (mut answer, consequences) = result.map_err(|refusal| (refusal, document.session.clone()))?;
        answer.bootstrap_url = answer.bootstrap_url.map(|url| self.oddities.bootstrap_url(url));
        if let Some(bootstrap) = consequences.provide
            && let Err(problem) = self.provide(bootstrap, &document).await
        {
            return Err((
                Refusal {
                    status: 503,
                    reason: problem,
                },
                document.session,
            ));
        }
        let is_brief = answer.bootstrap_url.is_none() && self.oddities.has(Oddity::AnswersWithoutBody);
        let reply = match is_brief {
            true => Reply::empty(204),
            false => Reply::new(
                self.oddities.success_status(200),
                MEDIA_TYPE,
                self.oddities.document(answer.to_xml()),
            ),
        };
        let (reply, sent) = reply.announcing();
        let office = Arc::clone(self);
        self.background.spawn(async move {
            // An answer that could not be written is not taken back.
            drop(sent.await);
            office.send(consequences.outgoing);
        });
        Ok(reply)
    }
}

impl<M: Machine> Handler for Office<M> {
    async fn handle(self: Arc<Self>, request: HttpRequest) -> Reply {
        if request.path != self.path {
            return Reply::empty(404);
        }
        if request.method != "POST" {
            return Reply::empty(405);
        }
        let media_type = request.media_type.as_deref().map(bare_media_type);
        if !matches!(
            media_type.as_deref(),
            Some(MEDIA_TYPE | "application/xml" | "text/xml")
        ) {
            return Reply::empty(415);
        }
        match self.take(&request).await {
            Ok(reply) => reply,
            Err((Refusal { status, reason }, session)) => {
                let refusal = (status != 200).then_some(reason);
                Reply::new(
                    status,
                    MEDIA_TYPE,
                    Answer {
                        session,
                        refusal,
                        bootstrap_url: None,
                    }
                    .to_xml(),
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rstest::rstest;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::config::{Account, BootstrapUrls, Config, Token};
    use crate::delegation::delegated::Delegated;
    use crate::delegation::document::{DelegationType, Scope};
    use crate::delegation::ledger::Desk;

    const SESSION: &str = "s1";

    fn document(kind: Kind) -> Document {
        Document {
            kind,
            session: SESSION.to_owned(),
            delegating: "dms1.example".to_owned(),
            delegated: "dms2.example".to_owned(),
            device: "urn:dev".to_owned(),
            scope: (kind == Kind::InitiationRequest).then(|| Scope {
                manufacturer: "Maker".to_owned(),
                model: "Model".to_owned(),
                tree_parts: vec!["./Com".to_owned()],
                delegation_type: DelegationType::from_name("full-permanent"),
            }),
        }
    }

    fn request(body: impl Into<Vec<u8>>) -> HttpRequest {
        HttpRequest {
            method: "POST".to_owned(),
            path: "/delegation".to_owned(),
            query: None,
            media_type: Some(MEDIA_TYPE.to_owned()),
            hmac: None,
            body: body.into(),
            peer: Some(Arc::new(["dms1.example".to_owned()])),
        }
    }

    /// A DMS-2.
    fn office(provider: Provider, deviations: &[Deviation]) -> Arc<Office<Delegated>> {
        let (background, worker) = Background::new();
        tokio::spawn(worker);
        let deviations: Deviations = deviations.iter().copied().collect();
        let desk = Desk {
            side: Side::Delegated,
            server_id: "dms2.example".to_owned(),
            peers: BTreeSet::from(["dms1.example".to_owned()]),
            deviations: deviations.clone(),
        };
        let urls = BootstrapUrls {
            url: "https://bootstrap.example/b".parse().expect("a URL"),
            token: None,
            provision: None,
        };
        Arc::new(Office {
            machine: Mutex::new(Delegated::new(desk, urls, Token::Random, false)),
            client: HttpClient::plain(Duration::from_secs(1)),
            peers: BTreeMap::new(),
            provider,
            background,
            deviations,
            oddities: Oddities::default(),
            path: "/delegation".to_owned(),
            side: Side::Delegated,
        })
    }

    fn account() -> Account {
        let config: Config =
            toml::from_str(include_str!("../examples/dm-client.toml")).expect("it is a configuration");
        config.dm_client.expect("it has a client").account
    }

    /// An initiation request with something taken out or changed.
    fn initiation(from: &str, to: &str) -> String {
        let text = String::from_utf8(document(Kind::InitiationRequest).to_xml()).expect("it is text");
        assert!(text.contains(from), "`{from}` is not in {text}");
        text.replace(from, to)
    }

    fn notice(kind: Kind) -> String {
        String::from_utf8(document(kind).to_xml()).expect("it is text")
    }

    /// The status that a body is answered with by a DMS-2 without deviations, by one that accepts unreadable initiation requests,
    /// and by one that accepts incomplete ones.
    #[rstest]
    #[case::garbage("no document".to_owned(), [400, 200, 400])]
    #[case::nothing(String::new(), [400, 200, 400])]
    #[case::half(initiation("</DeviceID>", ""), [400, 200, 400])]
    #[case::no_device(initiation("<DeviceID>urn:dev</DeviceID>", ""), [400, 200, 200])]
    #[case::no_session(initiation("<SessionID>s1</SessionID>", ""), [400, 200, 400])]
    #[case::no_type(initiation("<DelegationType>full-permanent</DelegationType>", ""), [400; 3])]
    #[case::half_a_notice(notice(Kind::ClientPrepared).replace("</DeviceID>", ""), [400; 3])]
    #[case::a_notice_about_no_device(
        notice(Kind::ClientPrepared).replace("<DeviceID>urn:dev</DeviceID>", ""),
        [400; 3]
    )]
    #[case::for_the_other_server(notice(Kind::BootstrapComplete), [400; 3])]
    #[case::about_nothing_known(notice(Kind::ClientPrepared), [404; 3])]
    #[tokio::test]
    async fn a_deviation_accepts_no_more_than_the_initiation_request_it_names(
        #[case] body: String,
        #[case] expected: [u16; 3],
    ) {
        let deviations: [&[Deviation]; 3] = [
            &[],
            &[Deviation::AcceptsUnreadableInitiation],
            &[Deviation::AcceptsIncompleteInitiation],
        ];
        for (deviations, status) in deviations.into_iter().zip(expected) {
            let reply = office(Provider::Nowhere, deviations)
                .handle(request(body.clone()))
                .await;
            assert_eq!(reply.status, status, "{deviations:?}");
        }
    }

    #[tokio::test]
    async fn a_bootstrap_is_put_there_to_the_end_though_who_asked_for_it_is_gone() {
        let bootstrap_server = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = bootstrap_server.local_addr().expect("it is bound");
        let provider = Provider::Remote {
            client: HttpClient::plain(Duration::from_secs(5)),
            url: format!("http://{address}").parse().expect("a URL"),
            account: account(),
        };
        let office = office(provider, &[]);
        let initiation = request(document(Kind::InitiationRequest).to_xml());
        assert_eq!(Arc::clone(&office).handle(initiation).await.status, 200);
        let question = request(document(Kind::BootstrapServerUrlRequest).to_xml());
        let asking = tokio::spawn(Arc::clone(&office).handle(question));
        let (mut stream, _) = bootstrap_server.accept().await.expect("it is asked");
        asking.abort();
        assert!(asking.await.is_err(), "it was under way");
        let refusal = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(refusal).await.expect("somebody listens");
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.ok();
        let is_open = || lock(&office.machine).view(SESSION).expect("it is known").state != "failed";
        for _ in 0..100 {
            if !is_open() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(!is_open(), "the Bootstrap Server has refused");
        let question = request(document(Kind::BootstrapServerUrlRequest).to_xml());
        assert_eq!(Arc::clone(&office).handle(question).await.status, 409);
    }
}
