//! A headless Chromium, driven by its own protocol over two named pipes.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A browser with one page.
pub(crate) struct Browser {
    process: Child,
    to: File,
    from: BufReader<File>,
    session: Option<String>,
    next: u64,
    /// What the page complained about.
    pub(crate) complaints: Vec<String>,
    folder: PathBuf,
}

/// The name of the browser, if it is installed.
pub(crate) fn installed() -> Option<&'static str> {
    ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| {
            let found = Command::new(name)
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            found.is_ok_and(|status| status.success())
        })
}

impl Browser {
    /// Starts it, with all that it writes in a folder.
    pub(crate) fn start(program: &str, folder: &Path) -> Self {
        let pipe = |name: &str| {
            let path = folder.join(name);
            let made = Command::new("mkfifo")
                .arg(&path)
                .status()
                .expect("mkfifo is there");
            assert!(made.success());
            path
        };
        let (commands, events) = (pipe("commands"), pipe("events"));
        // It reads commands from descriptor 3 and writes to 4.
        let process = Command::new("sh")
            .arg("-c")
            .arg("exec \"$0\" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
                  --disable-background-networking --disable-component-update --hide-scrollbars --force-color-profile=srgb \
                  --user-data-dir=\"$1/profile\" --remote-debugging-pipe about:blank 3<\"$2\" 4>\"$3\"")
            .arg(program)
            .arg(folder)
            .arg(&commands)
            .arg(&events)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell is there");
        let to = File::options()
            .write(true)
            .open(&commands)
            .expect("the pipe is there");
        let from = File::open(&events).expect("the pipe is there");
        let mut browser = Self {
            process,
            to,
            from: BufReader::new(from),
            session: None,
            next: 0,
            complaints: Vec::new(),
            folder: folder.to_owned(),
        };
        let target = browser.command("Target.createTarget", json!({"url": "about:blank"}));
        let attached = browser.command(
            "Target.attachToTarget",
            json!({"targetId": target["targetId"], "flatten": true}),
        );
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.command(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Gives a command, and waits for its result.
    pub(crate) fn command(&mut self, method: &str, parameters: Value) -> Value {
        self.next += 1;
        let id = self.next;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut octets = message.to_string().into_bytes();
        octets.push(0);
        self.to.write_all(&octets).expect("the browser listens");
        loop {
            let message = self.next_message();
            if message["id"] == json!(id) {
                assert!(message.get("error").is_none(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.note(&message);
        }
    }

    /// Waits for an event of the page.
    fn wait_for(&mut self, method: &str) {
        loop {
            let message = self.next_message();
            self.note(&message);
            if message["method"] == json!(method) {
                return;
            }
        }
    }

    fn next_message(&mut self) -> Value {
        let mut octets = Vec::new();
        self.from.read_until(0, &mut octets).expect("the browser answers");
        assert_eq!(octets.pop(), Some(0), "the browser has ended");
        serde_json::from_slice(&octets).expect("the browser speaks JSON")
    }

    fn note(&mut self, message: &Value) {
        let parameters = &message["params"];
        match message["method"].as_str() {
            Some("Log.entryAdded") => self.complaints.push(parameters["entry"]["text"].to_string()),
            Some("Runtime.consoleAPICalled") => self.complaints.push(parameters["args"].to_string()),
            Some("Runtime.exceptionThrown") => {
                self.complaints
                    .push(parameters["exceptionDetails"]["text"].to_string());
            }
            Some("Network.requestWillBeSent") => {
                let url = parameters["request"]["url"].as_str().unwrap_or_default();
                if !url.starts_with("file://") {
                    self.complaints.push(format!("the page asks for {url}"));
                }
            }
            _ => {}
        }
    }

    /// Shows a page of this text in a window of this width.
    pub(crate) fn show(&mut self, page: &str, width: u32, scheme: &str) {
        let path = self.folder.join("report.html");
        std::fs::write(&path, page).expect("the folder can be written to");
        let metrics = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600});
        self.command("Emulation.setDeviceMetricsOverride", metrics);
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.command("Emulation.setEmulatedMedia", features);
        self.command(
            "Page.navigate",
            json!({"url": format!("file://{}", path.display())}),
        );
        self.wait_for("Page.loadEventFired");
    }

    /// What an expression comes to on the page.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let found = self.command(
            "Runtime.evaluate",
            json!({"expression": expression, "returnByValue": true, "awaitPromise": true}),
        );
        assert!(
            found.get("exceptionDetails").is_none(),
            "{}",
            found["exceptionDetails"]
        );
        found["result"]["value"].clone()
    }

    /// Keeps a picture of what is shown, if somebody wants to look at it.
    pub(crate) fn picture(&mut self, name: &str, whole: bool) {
        let Some(folder) = std::env::var_os("DMCONFORM_SCREENSHOTS") else {
            return;
        };
        let shot = self.command(
            "Page.captureScreenshot",
            json!({"format": "png", "captureBeyondViewport": whole}),
        );
        let octets = oma_dm::auth::from_base64(shot["data"].as_str().expect("there is a picture"));
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        std::fs::write(
            Path::new(&folder).join(format!("{name}.png")),
            octets.expect("it is base64"),
        )
        .expect("the folder can be written to");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Nothing is lost with it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
