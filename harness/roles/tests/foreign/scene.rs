//! A running case for a foreign peer to take part in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dmconform_case::Suite;
use dmconform_case::implementation::{Accounts, Endpoints, Limits};
use dmconform_judge::{Header, JUDGE_VERSION, Parties, TRANSCRIPT_FORMAT, TranscriptError};
use dmconform_model::certificate::Certificate;
use dmconform_model::transcript::{Endpoint, EndpointKind};
use dmconform_model::{CaseResult, Event, MessageId, Role, Step, Target};
use dmconform_oddity::Oddities;
use dmconform_roles::client::MockClient;
use dmconform_roles::{
    Captured, CaseContext, Certified, Hosts, KeptLines, Offers, Recorder, Setting, Stage, Taps,
};
use dmconform_tls::{Authority, Identity, Party, now};
use oma_dm::devinfo::DeviceInfo;
use oma_dm::tree::Tree;
use tempfile::TempDir;
use tokio::sync::watch;

/// The longest anything may take here before the test gives up.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
/// How long mock roles wait for an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// A stage with one case on it.
pub(crate) struct Scene {
    pub(crate) stage: Arc<Stage>,
    pub(crate) context: Arc<CaseContext>,
    folder: TempDir,
}

/// The delegation listener of mock DMS-2.
pub(crate) const DELEGATION: Endpoint = Endpoint {
    role: Role::Dms2,
    kind: EndpointKind::Delegation,
};

impl Scene {
    /// A foreign DMS-1 faces mock servers; the case has the listeners to itself, so that everything that happens
    /// at them is in its transcript. The address of mock DMS-2 comes with it.
    pub(crate) async fn accepting(kind: EndpointKind) -> (Self, String) {
        let (scene, address) = Self::sharing(kind).await;
        scene.stage.router.enter(&scene.context, true);
        (scene, address)
    }

    /// The same in a run where cases share the listeners.
    pub(crate) async fn sharing(kind: EndpointKind) -> (Self, String) {
        let stage = stage();
        let role = match kind {
            EndpointKind::Bootstrap => Role::BootstrapServer,
            EndpointKind::Dm | EndpointKind::Delegation => Role::Dms2,
        };
        let address = stage
            .listen(role, kind, None)
            .await
            .expect("loopback has a free port");
        let scene = Self::on(
            stage,
            "DEL-DMS1-0-010",
            Role::Dms1,
            endpoints(&address.to_string()),
        );
        scene.stage.router.enter(&scene.context, false);
        (scene, address.to_string())
    }

    /// A foreign DMS-2 is dialled by mock DMS-1 at an address.
    pub(crate) fn dialling(stage: Arc<Stage>, address: &str) -> Self {
        let scene = Self::on(stage, "DEL-DMS2-0-010", Role::Dms2, endpoints(address));
        scene.stage.router.enter(&scene.context, false);
        scene
    }

    fn on(stage: Arc<Stage>, case: &str, plays: Role, endpoints: BTreeMap<Role, Endpoints>) -> Self {
        let header = Arc::new(header(&stage, case, plays, endpoints));
        let device_info = DeviceInfo {
            device_id: header.parties.device.clone(),
            manufacturer: header.parties.manufacturer.clone(),
            model: header.parties.model.clone(),
            dm_version: String::new(),
            language: String::new(),
        };
        let context = CaseContext {
            recorder: Recorder::new(
                Arc::clone(&header),
                Arc::default(),
                None,
                Arc::clone(&stage.readings),
            ),
            credentials: Accounts::usual(),
            session_id: Mutex::new("session-1".to_owned()),
            token: "token-1".to_owned(),
            bootstrap_url: "https://127.0.0.1:1/bootstrap/token-1".to_owned(),
            client: tokio::sync::Mutex::new(MockClient::new(Tree::new(), device_info, 0)),
            offers: [Role::Dms1, Role::Dms2]
                .map(|role| (role, Box::<Offers>::default()))
                .into(),
            oddities: Oddities::default(),
            lines: KeptLines::default(),
            taps: Taps::default(),
            poll: None,
            sessions: None,
            over: watch::Sender::new(false),
            header,
        };
        Self {
            stage,
            context: Arc::new(context),
            folder: tempfile::tempdir().expect("a temporary directory is made"),
        }
    }

    /// What happened so far, read from the transcript as it would be stored.
    pub(crate) fn events(&self) -> Vec<Event> {
        let stored = self.context.recorder.stored().expect("it is in memory");
        let records = dmconform_judge::open(stored.as_bytes()).expect("its header is readable");
        // The case may go on: what lacks its end only is no whole transcript yet.
        let so_far = records.take_while(|record| !matches!(record, Err(TranscriptError::Cut { .. })));
        so_far
            .map(|record| record.expect("what was recorded is readable").event)
            .collect()
    }

    /// Waits for something to be recorded.
    pub(crate) async fn seen(&self, what: &str, wanted: impl Fn(&Event) -> bool) -> Event {
        let mut changed = self.context.recorder.watch();
        let waiting = async {
            loop {
                changed.mark_unchanged();
                if let Some(found) = self.events().into_iter().find(&wanted) {
                    return found;
                }
                changed
                    .changed()
                    .await
                    .expect("the recorder lives as long as the case");
            }
        };
        match tokio::time::timeout(LIMIT, waiting).await {
            Ok(found) => found,
            Err(_) => panic!("{what} was never recorded:\n{:#?}", self.events()),
        }
    }

    /// Waits for the end of a connection; how it ended.
    pub(crate) async fn closed(&self) -> String {
        let closed = |event: &Event| matches!(event, Event::ConnectionClosed { .. });
        match self.seen("the end of the connection", closed).await {
            Event::ConnectionClosed { how, .. } => how,
            other => panic!("asked for an end, got {other:?}"),
        }
    }

    /// The verdict, once the case has ended.
    pub(crate) fn judged(&self) -> CaseResult {
        self.context.recorder.record(Event::Ended);
        self.context.recorder.result()
    }

    /// A certificate of a role of this run on disk: chain, key, and what is sent with the leaf.
    pub(crate) fn certificate(&self, role: Role, flavour: Certificate) -> OnDisk {
        let identity = self.stage.identity(self.stage.party(role), flavour);
        let identity = identity
            .expect("a certificate is made")
            .expect("there is one to make");
        OnDisk::write(self.folder.path(), &identity)
    }

    /// What everybody trusts, on disk.
    pub(crate) fn roots(&self) -> String {
        let path = self.folder.path().join("roots.pem");
        std::fs::write(&path, self.stage.roots().pem()).expect("the temporary directory is writable");
        path.display().to_string()
    }

    /// The request of step 2 as a DMS-1 writes it.
    pub(crate) fn initiation(&self) -> Vec<u8> {
        let parties = &self.context.header.parties;
        let fields = [
            ("session", "session-of-the-peer"),
            ("delegating-server", &parties.dms_1),
            ("delegated-server", &parties.dms_2),
            ("device", &parties.device),
            ("manufacturer", &parties.manufacturer),
            ("model", &parties.model),
            ("tree-part", "./Com"),
            ("type", "full-permanent"),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), vec![value.to_owned()]));
        let message = MessageId::request(Step::Initiation);
        let profile = &self.context.header.profile;
        let known = profile.messages.get(&message).expect("the profile has step 2");
        let written = profile.write(message, known, &fields.into());
        written.expect("every field is given").body
    }

    /// The same as the octets of a whole HTTP request, after which the connection is to be closed.
    pub(crate) fn initiation_request(&self) -> Vec<u8> {
        let body = self.initiation();
        let media_type = &self.context.header.profile.delegation.media_type;
        let head = format!(
            "POST /delegation HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: {media_type}\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        [head.into_bytes(), body].concat()
    }
}

/// A stage without listeners.
pub(crate) fn stage() -> Arc<Stage> {
    let party = |server_id: &str| Party {
        server_id: server_id.to_owned(),
        hosts: Vec::new(),
    };
    let parties = Certified {
        dm_client: party("device"),
        dms_1: party("dms1.dmconform.test"),
        dms_2: party("dms2.dmconform.test"),
        bootstrap_server: party("bootstrap.dmconform.test"),
        third: party("third.dmconform.test"),
    };
    let authority = Authority::new(now()).expect("an authority is made");
    let roots = authority.roots();
    Stage::new(Setting {
        authority,
        roots,
        parties,
        hosts: Hosts::default(),
        profile: Suite::embedded().profile,
        patience: PATIENCE,
        oddities: Oddities::default(),
        captured: Captured::Nothing,
        connections: None,
    })
}

/// Everything of DMS-2 at one address.
fn endpoints(address: &str) -> BTreeMap<Role, Endpoints> {
    let endpoints = Endpoints {
        dm: Some(format!("https://{address}/dm")),
        delegation: Some(format!("https://{address}/delegation")),
        bootstrap: None,
    };
    BTreeMap::from([(Role::Dms2, endpoints)])
}

fn header(stage: &Stage, case: &str, plays: Role, endpoints: BTreeMap<Role, Endpoints>) -> Header {
    let suite = Suite::embedded();
    let case = suite.case(case).expect("the suite has this case").clone();
    Header {
        format: TRANSCRIPT_FORMAT,
        judge: JUDGE_VERSION.to_owned(),
        run: "a test".to_owned(),
        procedure: suite.procedure,
        profile: suite.profile,
        requirements: suite.requirements,
        owners: Arc::default(),
        target: Arc::new(Target {
            name: "foreign".to_owned(),
            product: "a foreign peer".to_owned(),
            plays: vec![plays],
            products: BTreeMap::new(),
            full_names: BTreeMap::new(),
            claims: Vec::new(),
        }),
        claims: Arc::default(),
        limits: Limits::default(),
        parties: Parties {
            dms_1: stage.party(Role::Dms1).server_id.clone(),
            dms_2: stage.party(Role::Dms2).server_id.clone(),
            third: "third.dmconform.test".to_owned(),
            device: "urn:dmconform:device:1".to_owned(),
            manufacturer: "Example Devices".to_owned(),
            model: "Model 1".to_owned(),
        },
        endpoints,
        dms_2_credentials: Accounts::usual().dms_2,
        strict: false,
        rerun: String::new(),
        transcript: String::new(),
        case,
    }
}

/// A certificate with its key, as files.
pub(crate) struct OnDisk {
    /// The leaf and what was issued with it.
    pub(crate) chain: String,
    /// What was issued with it, alone; nothing if the leaf stands alone.
    pub(crate) issuers: Option<String>,
    /// The private key.
    pub(crate) key: String,
}

impl OnDisk {
    fn write(folder: &Path, identity: &Identity) -> Self {
        let write = |name: &str, text: &str| {
            let path: PathBuf = folder.join(name);
            std::fs::write(&path, text).expect("the temporary directory is writable");
            path.display().to_string()
        };
        let end = "-----END CERTIFICATE-----\n";
        let issuers = identity
            .chain_pem()
            .split_once(end)
            .map_or("", |(_, issuers)| issuers);
        Self {
            issuers: (!issuers.is_empty()).then(|| write("issuers.pem", issuers)),
            chain: write("chain.pem", identity.chain_pem()),
            key: write("key.pem", identity.key_pem()),
        }
    }
}
