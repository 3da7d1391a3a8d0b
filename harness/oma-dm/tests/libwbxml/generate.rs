//! Documents of every kind, the same for the same seed.

use oma_dm::xml::{Attribute, Element, Name};

const SYNCML: &str = "SYNCML:SYNCML1.2";
const METINF: &str = "syncml:metinf";
const DMDDF: &str = "syncml:dmddf1.2";

/// Makes choices, always the same ones for a seed (SplitMix64).
pub(crate) struct Generator {
    state: u64,
    command_ids: usize,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: seed,
            command_ids: 0,
        }
    }

    fn number(&mut self, below: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % below as u64).expect("a remainder is below its divisor")
    }

    /// True once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.number(times) == 0
    }

    fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.number(choices.len())]
    }

    /// Text in several scripts, with what XML escapes and without what is a disagreement in some places; never empty.
    fn text(&mut self) -> String {
        self.of_pieces(&[
            "a", "Z", "0", " ", "_", "./", "é", "Ж", "漢", "😀", "&", "<", ">", "\"", "'", "-->",
        ])
    }

    /// The same with line breaks and tabulators.
    fn layout(&mut self) -> String {
        self.of_pieces(&["a", "é", " ", "\n", "\t", "&"])
    }

    fn of_pieces(&mut self, pieces: &[&str]) -> String {
        let length = 1 + self.number(12);
        (0..length).map(|_| self.one_of(pieces)).collect()
    }

    fn digits(&mut self) -> String {
        self.number(100_000).to_string()
    }

    fn uri(&mut self) -> String {
        let depth = 1 + self.number(4);
        let names: Vec<&str> = (0..depth)
            .map(|_| self.one_of(&["DMAcc", "dms2", "1", "DevInfo", "A%20b", "Value"]))
            .collect();
        let query = self.one_of(&["", "", "", "?prop=ACL", "?list=StructData"]);
        format!("./{}{query}", names.join("/"))
    }

    fn base64(&mut self) -> String {
        self.one_of(&["bm9uY2UtRA==", "AAAA", "lBXwH+VDIDoSQRfB1kGzdg=="])
            .to_owned()
    }

    /// A message with up to eight commands.
    pub(crate) fn message(&mut self) -> Element<'static> {
        let mut body = syncml("SyncBody");
        for _ in 0..=self.number(8) {
            body = body.with_child(self.command(0));
        }
        if !self.once_in(4) {
            body = body.with_child(syncml("Final"));
        }
        syncml("SyncML").with_child(self.header()).with_child(body)
    }

    fn header(&mut self) -> Element<'static> {
        let mut header = syncml("SyncHdr")
            .with_child(leaf("VerDTD", "1.2"))
            .with_child(leaf("VerProto", "DM/1.2"))
            .with_child(leaf("SessionID", &self.digits()))
            .with_child(leaf("MsgID", &self.digits()))
            .with_child(self.address("Target"))
            .with_child(self.address("Source"));
        if self.once_in(3) {
            header = header.with_child(leaf("RespURI", "https://dms2.example/dm?s=A7&t=<1>"));
        }
        if self.once_in(2) {
            let meta = syncml("Meta")
                .with_child(metinf("Format", "b64"))
                .with_child(metinf("Type", "syncml:auth-md5"));
            let cred = syncml("Cred")
                .with_child(meta)
                .with_child(leaf("Data", &self.base64()));
            header = header.with_child(cred);
        }
        if self.once_in(2) {
            let meta = syncml("Meta")
                .with_child(metinf("MaxMsgSize", &self.digits()))
                .with_child(metinf("MaxObjSize", &self.digits()));
            header = header.with_child(meta);
        }
        header
    }

    fn address(&mut self, local: &'static str) -> Element<'static> {
        let address = syncml(local).with_child(leaf("LocURI", &self.uri()));
        match self.once_in(3) {
            true => address.with_child(leaf("LocName", &self.layout())),
            false => address,
        }
    }

    fn command(&mut self, nesting: usize) -> Element<'static> {
        let mut names = vec!["Alert", "Get", "Add", "Replace", "Delete", "Copy", "Exec"];
        match nesting {
            0 => names.extend(["Status", "Results", "Atomic", "Sequence"]),
            1 => names.push("Sequence"),
            _ => {}
        }
        let name = self.one_of(&names);
        self.command_ids += 1;
        let command = syncml(name).with_child(leaf("CmdID", &self.command_ids.to_string()));
        match name {
            "Status" => self.status(command),
            "Results" => self.results(command),
            "Alert" => self.alert(command),
            "Atomic" | "Sequence" => (0..=self.number(3)).fold(command, |command, _| {
                command.with_child(self.command(nesting + 1))
            }),
            _ => self.operation(command),
        }
    }

    fn status(&mut self, mut status: Element<'static>) -> Element<'static> {
        for (local, text) in [("MsgRef", "1"), ("CmdRef", "0"), ("Cmd", "SyncHdr")] {
            status = status.with_child(leaf(local, text));
        }
        for local in ["TargetRef", "SourceRef"] {
            if self.once_in(2) {
                status = status.with_child(leaf(local, &self.uri()));
            }
        }
        if self.once_in(3) {
            let meta = syncml("Meta")
                .with_child(metinf("Type", "syncml:auth-MAC"))
                .with_child(metinf("Format", "b64"))
                .with_child(metinf("NextNonce", &self.base64()));
            status = status.with_child(syncml("Chal").with_child(meta));
        }
        let code = self.one_of(&["200", "212", "401", "425"]);
        status.with_child(leaf("Data", code))
    }

    fn results(&mut self, results: Element<'static>) -> Element<'static> {
        let results = results
            .with_child(leaf("MsgRef", &self.digits()))
            .with_child(leaf("CmdRef", &self.digits()));
        (0..=self.number(2)).fold(results, |results, _| results.with_child(self.item("Source")))
    }

    fn alert(&mut self, alert: Element<'static>) -> Element<'static> {
        let code = self.one_of(&["1200", "1201", "1222", "1226"]);
        let mut alert = alert.with_child(leaf("Data", code));
        if self.once_in(4) {
            alert = alert.with_child(leaf("Correlator", &self.layout()));
        }
        if self.once_in(2) {
            let meta = syncml("Meta")
                .with_child(metinf("Type", "urn:oma:at:example:1.0"))
                .with_child(metinf("Mark", "warning"));
            let item = syncml("Item")
                .with_child(meta)
                .with_child(leaf("Data", &self.text()));
            alert = alert.with_child(item);
        }
        alert
    }

    fn operation(&mut self, operation: Element<'static>) -> Element<'static> {
        (0..=self.number(3)).fold(operation, |operation, _| {
            operation.with_child(self.item("Target"))
        })
    }

    fn item(&mut self, address: &'static str) -> Element<'static> {
        let mut item = syncml("Item").with_child(self.address(address));
        if self.once_in(2) {
            let format = self.one_of(&[
                "chr", "int", "bool", "node", "null", "xml", "date", "time", "float",
            ]);
            let mut meta = syncml("Meta")
                .with_child(metinf("Format", format))
                .with_child(metinf("Type", "text/plain"));
            if self.once_in(3) {
                meta = meta.with_child(metinf("Size", &self.digits()));
            }
            item = item.with_child(meta);
        }
        if !self.once_in(3) {
            item = item.with_child(leaf("Data", &self.text()));
        }
        match self.once_in(6) {
            true => item.with_child(syncml("MoreData")),
            false => item,
        }
    }

    /// A TNDS object, or a description of one.
    pub(crate) fn object(&mut self) -> Element<'static> {
        let mut object = dmddf("MgmtTree").with_child(dmddf("VerDTD").with_text("1.2"));
        for local in ["Man", "Mod"] {
            if self.once_in(2) {
                object = object.with_child(dmddf(local).with_text(self.text()));
            }
        }
        (0..=self.number(3)).fold(object, |object, _| object.with_child(self.node(0)))
    }

    fn node(&mut self, nesting: usize) -> Element<'static> {
        let mut node = dmddf("Node").with_child(dmddf("NodeName").with_text(self.text()));
        if nesting == 0 && self.once_in(2) {
            node = node.with_child(dmddf("Path").with_text(self.uri()));
        }
        let properties = match self.once_in(4) {
            true => self.description(),
            false => self.properties(),
        };
        node = node.with_child(properties);
        if nesting < 4 && !self.once_in(3) {
            return (0..self.number(4)).fold(node, |node, _| node.with_child(self.node(nesting + 1)));
        }
        node.with_child(dmddf("Value").with_text(self.layout()))
    }

    fn properties(&mut self) -> Element<'static> {
        let mut properties = dmddf("RTProperties");
        if self.once_in(2) {
            properties =
                properties.with_child(dmddf("ACL").with_text("Get=*&Replace=dms1.example+dms2.example"));
        }
        let format = self.one_of(&[
            "b64", "bin", "bool", "chr", "int", "node", "null", "xml", "date", "time", "float",
        ]);
        properties = properties.with_child(dmddf("Format").with_child(dmddf(format)));
        for local in ["Size", "TStamp", "VerNo", "Title"] {
            if self.once_in(4) {
                properties = properties.with_child(dmddf(local).with_text(self.digits()));
            }
        }
        let kind = self.one_of(&["MIME", "DDFName"]);
        properties.with_child(dmddf("Type").with_child(dmddf(kind).with_text("urn:oma:mo:oma-dm-dmacc:1.0")))
    }

    fn description(&mut self) -> Element<'static> {
        let mut access = dmddf("AccessType");
        for local in ["Add", "Copy", "Delete", "Exec", "Get", "Replace"] {
            if self.once_in(2) {
                access = access.with_child(dmddf(local));
            }
        }
        let occurrence = self.one_of(&["One", "ZeroOrOne", "ZeroOrMore", "OneOrMore"]);
        let scope = self.one_of(&["Permanent", "Dynamic"]);
        let case = self.one_of(&["CS", "CIS"]);
        dmddf("DFProperties")
            .with_child(access)
            .with_child(dmddf("DefaultValue").with_text(self.text()))
            .with_child(dmddf("Description").with_text(self.layout()))
            .with_child(dmddf("DFFormat").with_child(dmddf("chr")))
            .with_child(dmddf("Occurrence").with_child(dmddf(occurrence)))
            .with_child(dmddf("Scope").with_child(dmddf(scope)))
            .with_child(dmddf("DFTitle").with_text(self.text()))
            .with_child(dmddf("DFType").with_child(dmddf("MIME").with_text("text/plain")))
            .with_child(dmddf("CaseSense").with_child(dmddf(case)))
    }

    /// A provisioning document with applications, access points and proxies.
    pub(crate) fn provisioning(&mut self) -> Element<'static> {
        let mut root = Element::new("", "wap-provisioningdoc");
        match self.number(3) {
            0 => {}
            1 => root.attributes.push(attribute("version", "1.0")),
            _ => root.attributes.push(attribute("version", "1.1")),
        }
        (0..=self.number(3)).fold(root, |root, _| root.with_child(self.characteristic(0)))
    }

    fn characteristic(&mut self, nesting: usize) -> Element<'static> {
        let kind = self.one_of(&[
            "APPLICATION",
            "APPADDR",
            "APPAUTH",
            "PORT",
            "RESOURCE",
            "NAPDEF",
            "NAPAUTHINFO",
            "PXLOGICAL",
            "PXPHYSICAL",
            "BOOTSTRAP",
            "ACCESS",
            "CLIENTIDENTITY",
            "VENDORCONFIG",
            "X-OTHER",
        ]);
        let mut characteristic = Element::new("", "characteristic");
        characteristic.attributes.push(attribute("type", kind));
        for _ in 0..=self.number(5) {
            characteristic = characteristic.with_child(self.parameter());
        }
        match nesting < 3 && self.once_in(2) {
            true => characteristic.with_child(self.characteristic(nesting + 1)),
            false => characteristic,
        }
    }

    fn parameter(&mut self) -> Element<'static> {
        let name = self.one_of(&[
            "APPID",
            "PROVIDER-ID",
            "NAME",
            "ADDR",
            "ADDRTYPE",
            "PORTNBR",
            "AAUTHLEVEL",
            "AAUTHTYPE",
            "AAUTHNAME",
            "AAUTHSECRET",
            "AAUTHDATA",
            "AACCEPT",
            "TO-NAPID",
            "TO-PROXY",
            "SERVICE",
            "INTERNET",
            "NAPID",
            "BEARER",
            "AUTHTYPE",
            "PUSHENABLED",
            "DNS-ADDR",
            "SPI",
            "X-OTHER",
        ]);
        let mut parameter = Element::new("", "parm");
        parameter.attributes.push(attribute("name", name));
        if !self.once_in(6) {
            let value = match self.number(4) {
                0 => self.text(),
                1 => self.digits(),
                _ => {
                    let known = [
                        "w7",
                        "APPSRV",
                        "CLIENT",
                        "HTTP-BASIC",
                        "HTTP-DIGEST",
                        "DIGEST",
                        "BASIC",
                        "IPV4",
                        "IPV6",
                        "ALPHA",
                        "GSM-GPRS",
                        "PAP",
                        "CHAP",
                        "OBEX",
                        "E164",
                        "CO-SEC-WSP",
                        "AUTOBAUDING",
                    ];
                    self.one_of(&known).to_owned()
                }
            };
            parameter.attributes.push(attribute("value", &value));
        }
        parameter
    }
}

fn syncml(local: &'static str) -> Element<'static> {
    Element::new(SYNCML, local)
}

fn leaf(local: &'static str, text: &str) -> Element<'static> {
    syncml(local).with_text(text.to_owned())
}

fn metinf(local: &'static str, text: &str) -> Element<'static> {
    Element::new(METINF, local).with_text(text.to_owned())
}

fn dmddf(local: &'static str) -> Element<'static> {
    Element::new(DMDDF, local)
}

fn attribute(local: &'static str, value: &str) -> Attribute<'static> {
    let name = Name {
        namespace: None,
        local: local.into(),
    };
    Attribute {
        name,
        value: value.to_owned().into(),
    }
}
