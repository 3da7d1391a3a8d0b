//! A stage on which the harness plays all roles: nobody is tested, so that nothing but the harness is measured.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dmconform_case::Suite;
use dmconform_case::implementation::{Accounts, Endpoints, Limits};
use dmconform_judge::{Header, JUDGE_VERSION, Parties, Readings};
use dmconform_model::certificate::Certificate;
use dmconform_model::transcript::EndpointKind;
use dmconform_model::{Event, MessageId, Role, Target};
use dmconform_oddity::Oddities;
use dmconform_roles::client::{self, MockClient};
use dmconform_roles::{
    Captured, CaseContext, Certified, Hosts, KeptLines, Offers, Recorder, Setting, Stage, Taps, play,
};
use dmconform_tls::{Authority, ClientCertificates, ClientConfig, Identity, Party, ServerConfig, now};
use oma_dm::account::Account;
use oma_dm::acl::{Acl, Right};
use oma_dm::devinfo::DeviceInfo;
use oma_dm::tree::{Format, Tree};
use oma_dm::uri::NodeUri;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const LIMIT: Duration = Duration::from_secs(10);
/// The servers that listen, and for what.
const LISTENERS: [(Role, EndpointKind); 5] = [
    (Role::Dms1, EndpointKind::Dm),
    (Role::Dms1, EndpointKind::Delegation),
    (Role::Dms2, EndpointKind::Dm),
    (Role::Dms2, EndpointKind::Delegation),
    (Role::BootstrapServer, EndpointKind::Bootstrap),
];

pub(crate) struct Scene {
    pub(crate) stage: Arc<Stage>,
    suite: Suite,
    addresses: BTreeMap<(Role, EndpointKind), SocketAddr>,
    /// What two mock servers shake hands with.
    accepting: ServerConfig,
    dialling: ClientConfig,
    device: AtomicU32,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let suite = Suite::embedded();
        let stage = stage(&suite);
        let mut addresses = BTreeMap::new();
        for (role, kind) in LISTENERS {
            let address = stage.listen(role, kind, None).await;
            addresses.insert((role, kind), address.expect("loopback has a free port"));
        }
        let identity = |role| identity(&stage, role);
        let (server, client) = (identity(Role::Dms2), identity(Role::Dms1));
        Self {
            accepting: ServerConfig::new(&server, ClientCertificates::Required, stage.roots())
                .expect("the identity is good"),
            dialling: ClientConfig::new(stage.roots(), Some(&client)).expect("the identity is good"),
            suite,
            addresses,
            device: AtomicU32::new(0),
            stage,
        }
    }

    /// One mutual handshake of TLS 1.3 between two mock servers.
    pub(crate) async fn handshake(&self) {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("loopback has a free port");
        let address = listener.local_addr().expect("it listens");
        let accepting = async {
            let (socket, _) = listener.accept().await.expect("somebody connects");
            socket.set_nodelay(true).expect("the socket is open");
            dmconform_tls::accept(socket, &self.accepting, LIMIT, None)
                .await
                .expect("both are good")
        };
        let dialling = async {
            let socket = TcpStream::connect(address).await.expect("somebody listens");
            socket.set_nodelay(true).expect("the socket is open");
            dmconform_tls::connect(socket, "127.0.0.1", &self.dialling, LIMIT, None)
                .await
                .expect("both are good")
        };
        let _ = tokio::join!(accepting, dialling);
    }

    /// What the roles and their judge have read lately.
    pub(crate) fn readings(&self) -> Arc<Readings> {
        Arc::clone(&self.stage.readings)
    }

    /// One whole delegation, judged.
    pub(crate) async fn delegation(&self) -> Arc<CaseContext> {
        let number = self.device.fetch_add(1, Ordering::Relaxed);
        let context = Arc::new(self.context(number));
        self.stage.router.enter(&context, false);
        let roles =
            Role::ALL.map(|role| tokio::spawn(play(Arc::clone(&self.stage), Arc::clone(&context), role)));
        let polling = tokio::spawn(client::poll(Arc::clone(&self.stage), Arc::clone(&context)));
        let opener = context.case().given.opens;
        let is_whole = |context: &CaseContext| {
            let mut due = context.header.procedure.messages(false);
            due.all(|message: MessageId| {
                context.header.procedure.sender(message, opener).is_none() || context.recorder.seen(message)
            })
        };
        tokio::time::timeout(LIMIT, context.until(is_whole))
            .await
            .unwrap_or_else(|_| {
                panic!(
                    "a whole delegation:\n{}",
                    context.recorder.stored().expect("it is in memory")
                )
            });
        context.over.send_replace(true);
        for role in roles {
            role.await.expect("a script ends");
        }
        polling.await.expect("the client ends");
        context.recorder.record(Event::Ended);
        self.stage.router.leave(&context);
        assert!(
            context
                .recorder
                .result()
                .findings
                .iter()
                .all(|found| found.blame.is_none())
        );
        context
    }

    fn context(&self, number: u32) -> CaseContext {
        let token = format!("token-{number}");
        let url = |role, kind, path: &str| format!("https://{}/{path}", self.addresses[&(role, kind)]);
        let server = |role| Endpoints {
            dm: Some(url(role, EndpointKind::Dm, "dm")),
            delegation: Some(url(role, EndpointKind::Delegation, "delegation")),
            bootstrap: None,
        };
        let bootstrap_url = url(
            Role::BootstrapServer,
            EndpointKind::Bootstrap,
            &format!("bootstrap/{token}"),
        );
        let bootstrap = Endpoints {
            dm: None,
            delegation: None,
            bootstrap: Some(bootstrap_url.clone()),
        };
        let endpoints = BTreeMap::from([
            (Role::Dms1, server(Role::Dms1)),
            (Role::Dms2, server(Role::Dms2)),
            (Role::BootstrapServer, bootstrap),
        ]);
        let header = Arc::new(self.header(number, endpoints));
        let mut accounts = Accounts::usual();
        accounts.dms_1.client_name.clone_from(&header.parties.device);
        accounts.dms_2.client_name.clone_from(&header.parties.device);
        let device_info = DeviceInfo {
            device_id: header.parties.device.clone(),
            manufacturer: header.parties.manufacturer.clone(),
            model: header.parties.model.clone(),
            dm_version: "1.2".to_owned(),
            language: "en".to_owned(),
        };
        let tree = tree(&header, &accounts, &device_info);
        CaseContext {
            recorder: Recorder::new(
                Arc::clone(&header),
                Arc::default(),
                None,
                Arc::clone(&self.stage.readings),
            ),
            credentials: accounts,
            session_id: Mutex::new(format!("session-{number}")),
            token,
            bootstrap_url,
            client: tokio::sync::Mutex::new(MockClient::new(tree, device_info, 0)),
            offers: [Role::Dms1, Role::Dms2]
                .map(|role| (role, Box::<Offers>::default()))
                .into(),
            oddities: Oddities::default(),
            lines: KeptLines::default(),
            taps: Taps::default(),
            poll: Some(Duration::from_millis(2)),
            sessions: None,
            over: watch::Sender::new(false),
            header,
        }
    }

    fn header(&self, number: u32, endpoints: BTreeMap<Role, Endpoints>) -> Header {
        let case = self
            .suite
            .case("DEL-DMS1-0-010")
            .expect("the suite has this case");
        let mut dms_2_credentials = Accounts::usual().dms_2;
        let device = format!("urn:dmconform:device:{number}");
        dms_2_credentials.client_name.clone_from(&device);
        Header {
            format: dmconform_judge::TRANSCRIPT_FORMAT,
            judge: JUDGE_VERSION.to_owned(),
            run: "a measurement".to_owned(),
            case: case.clone(),
            procedure: Arc::clone(&self.suite.procedure),
            profile: Arc::clone(&self.suite.profile),
            requirements: Arc::clone(&self.suite.requirements),
            owners: Arc::default(),
            target: Arc::new(Target {
                name: "nobody".to_owned(),
                product: "nobody".to_owned(),
                plays: Vec::new(),
                products: BTreeMap::new(),
                full_names: BTreeMap::new(),
                claims: Vec::new(),
            }),
            claims: Arc::default(),
            limits: Limits::default(),
            parties: Parties {
                dms_1: self.stage.party(Role::Dms1).server_id.clone(),
                dms_2: self.stage.party(Role::Dms2).server_id.clone(),
                third: self.stage.third().server_id.clone(),
                device,
                manufacturer: "Example Devices".to_owned(),
                model: "Model 1".to_owned(),
            },
            endpoints,
            dms_2_credentials,
            strict: false,
            rerun: String::new(),
            transcript: String::new(),
        }
    }
}

/// The good certificate of a role.
pub(crate) fn identity(stage: &Stage, role: Role) -> Identity {
    let identity = stage.identity(stage.party(role), Certificate::Good);
    identity
        .expect("a certificate is made")
        .expect("a good one is one")
}

fn stage(suite: &Suite) -> Arc<Stage> {
    let party = |name: &str| Party {
        server_id: format!("{name}.dmconform.test"),
        hosts: Vec::new(),
    };
    let authority = Authority::new(now()).expect("an authority is made");
    Stage::new(Setting {
        roots: authority.roots(),
        authority,
        parties: Certified {
            dm_client: party("device"),
            dms_1: party("dms1"),
            dms_2: party("dms2"),
            bootstrap_server: party("bootstrap"),
            third: party("third"),
        },
        hosts: Hosts::default(),
        profile: Arc::clone(&suite.profile),
        patience: LIMIT,
        oddities: Oddities::default(),
        captured: Captured::Nothing,
        connections: None,
    })
}

/// The tree of a device with an account of DMS-1 and something to delegate.
fn tree(header: &Header, accounts: &Accounts, device_info: &DeviceInfo) -> Tree {
    let mut tree = Tree::new();
    device_info.write_to(&mut tree).expect("the tree is empty");
    let uri = |node: &str| NodeUri::parse(node).expect("it is a node");
    let dms_1 = &header.parties.dms_1;
    let address = header.endpoints[&Role::Dms1].dm.clone().unwrap_or_default();
    let mut account = Account::new(dms_1, &address);
    let scheme = dmconform_roles::wire_scheme(header.case.given.authentication);
    let (client, server) = dmconform_roles::credentials(&accounts.dms_1, dms_1, scheme);
    account.preferred_authentication = Some(scheme);
    account.client_credentials = Some(client);
    account.server_credentials = Some(server);
    let node = &accounts.dms_1.node;
    account
        .write_to(&mut tree, &uri(node))
        .expect("there is room for it");
    let root = &header.profile.bootstrap_config.root;
    for part in header.case.given.tree.iter().chain([root]) {
        tree.insert_interior(&uri(part), "")
            .expect("there is room for it");
    }
    tree.insert_leaf(&uri("./Com/Name"), Format::Chr, "text/plain", "as delivered")
        .expect("there is room for it");
    let rights = [Right::Add, Right::Delete, Right::Exec, Right::Get, Right::Replace];
    let acl = Acl::empty()
        .with(&rights, dms_1)
        .expect("it is the name of a server");
    for owned in header.case.given.tree.iter().chain([root, node]) {
        tree.set_acl(&uri(owned), acl.clone()).expect("the node is there");
    }
    tree
}
