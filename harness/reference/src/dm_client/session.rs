//! One DM session of a device with a server, over HTTPS.

use std::collections::BTreeSet;

use oma_dm::account::Account;
use oma_dm::devinfo::DeviceInfo;
use oma_dm::session::Carried;
use oma_dm::session::client::{ClientConfig, ClientSession, End, Step};
use oma_dm::syncml::{self, AlertCode, Command, Message};
use oma_dm::tree::Outcome;
use oma_dm::uri::NodeUri;

use crate::config;
use crate::deviation::Deviation;
use crate::dm_client::Client;
use crate::dm_client::device::{Device, Hands};
use crate::dm_client::parts::Parts;
use crate::entropy;
use crate::http::client::{HttpClient, Question};
use crate::irregular;
use crate::url::Url;

/// Why a session is opened.
#[derive(Clone, Copy, Debug)]
pub(super) enum Opening {
    /// The device has a reason of its own.
    Own,
    /// A notification asks for this session.
    Notified(u16),
}

/// A device at work for one session.
struct Worker<'a> {
    hands: Hands<'a>,
    /// Commands of which nothing is said: a deviation.
    hushed: BTreeSet<String>,
}

impl oma_dm::session::Device for Worker<'_> {
    fn execute(&mut self, server_id: &str, command: &Command) -> Vec<Outcome> {
        let outcomes = self.hands.execute(server_id, command);
        self.hushed.extend(self.hands.hushed(server_id, command));
        outcomes
    }
}

impl Client {
    /// Holds a session to its end, and keeps its nonces for the next one in the account at `place`.
    pub(super) async fn session_by(
        &self,
        device: &Device,
        generation: u64,
        account: Account,
        place: Option<&NodeUri>,
        opening: Opening,
    ) -> Result<(), String> {
        let mut device_info =
            DeviceInfo::read(&device.tree()).map_err(|error| format!("failed to read DevInfo: {error}"))?;
        if account.server_id != self.config.account.server_id
            && self.deviations.has(Deviation::WrongManufacturerInSession)
        {
            device_info.manufacturer = format!("not {}", device_info.manufacturer);
        }
        let seed = entropy::octets::<16>();
        let (session_id, alert) = match opening {
            Opening::Notified(session) if !self.has(Deviation::OpensOwnSessionWhenNotified) => {
                (format!("{session:X}"), AlertCode::SERVER_INITIATED)
            }
            _ => (self.next_session_id(), AlertCode::CLIENT_INITIATED),
        };
        let mut config = ClientConfig::new(account, device_info, session_id, alert, &seed);
        config.encoding = self.encoding();
        config.takes_large_objects = !self.has(Deviation::RefusesLargeObjects);
        config.events = self.oddities.events();
        let (mut session, first) = ClientSession::start(config);
        let hands = Hands {
            device,
            generation,
            bootstrap_config: &self.config.bootstrap_config,
            first_server: &self.config.account.server_id,
            deviations: &self.deviations,
        };
        let result = self
            .talk(
                &mut session,
                first,
                Worker {
                    hands,
                    hushed: BTreeSet::new(),
                },
            )
            .await;
        if let Some(place) = place {
            device.keep_nonces(generation, place, &session);
        }
        result
    }

    async fn talk(
        &self,
        session: &mut ClientSession,
        first: Message,
        mut worker: Worker<'_>,
    ) -> Result<(), String> {
        let mut message = first;
        let mut parts = Parts::default();
        let http = self.http.for_session();
        let begun_at = session.address().to_owned();
        loop {
            let address = match self.has(Deviation::IgnoresResponseUri) {
                true => begun_at.as_str(),
                false => session.address(),
            };
            irregular::depart(&mut message, &self.deviations);
            let (body, seal) = self.written(session, &message);
            let answer = self.exchange(&http, address, body, seal).await?;
            if self.has(Deviation::AcceptsWrongObjectSize) {
                parts.take(&answer.message);
            }
            match session.receive_carried(answer.carried(), &mut worker) {
                Step::Send(next) => message = *next,
                Step::Ended(End::Finished | End::Aborted | End::AbortedHere) => return Ok(()),
                Step::Ended(End::Refused(code)) => {
                    return Err(format!(
                        "the server refused the device's credentials with {}",
                        code.0
                    ));
                }
                Step::Ended(End::ServerNotAuthenticated(authentication)) => {
                    return Err(format!(
                        "the server did not prove itself: its credentials are {authentication:?}"
                    ));
                }
                Step::Ended(End::NoCommonScheme(code)) => {
                    return Err(format!(
                        "the server asked with {} for credentials in a scheme that is not the account's",
                        code.0
                    ));
                }
                Step::Ended(End::Misplaced) => {
                    return Err("the server sent a message that does not belong to the session".to_owned());
                }
                Step::Ended(End::TooMuch) => {
                    return Err("the server asked for more than it takes the answers to".to_owned());
                }
                Step::Ended(End::TooLong) => return Err("the session went on for too long".to_owned()),
            }
            parts.insist(&mut message, |command| {
                worker.hands.execute(session.server_id(), command);
            });
            let hushed = std::mem::take(&mut worker.hushed);
            message.commands.retain(
                |command| !matches!(command, Command::Status(status) if hushed.contains(&status.command_ref)),
            );
        }
    }

    /// A message in octets, and what seals it.
    pub(super) fn written(&self, session: &ClientSession, message: &Message) -> (Vec<u8>, Option<String>) {
        let body = match self.encoding() {
            syncml::Encoding::Xml => self.oddities.syncml(
                syncml::write(message, syncml::Encoding::Xml),
                session.longest_taken(),
            ),
            syncml::Encoding::Wbxml => syncml::write(message, syncml::Encoding::Wbxml),
        };
        let seal = session.seal(&body).map(|seal| seal.to_string());
        let is_bare = self.has(Deviation::OmitsMac)
            || (self.has(Deviation::SealsFirstMessageOnly) && message.header.message_id != "1");
        (body, seal.filter(|_| !is_bare))
    }

    pub(super) fn encoding(&self) -> syncml::Encoding {
        match self.config.encoding {
            config::Encoding::Wbxml => syncml::Encoding::Wbxml,
            config::Encoding::Xml => syncml::Encoding::Xml,
        }
    }

    /// Sends a message, and reads the server's.
    async fn exchange(
        &self,
        http: &HttpClient,
        address: &str,
        body: Vec<u8>,
        hmac: Option<String>,
    ) -> Result<Answer, String> {
        let url: Url = address.parse().map_err(|error| format!("failed to {error}"))?;
        let media_type = irregular::media_type(self.encoding(), &self.deviations);
        let question = Question {
            method: "POST",
            body: Some((media_type, body)),
            accept: Some(media_type),
            hmac,
        };
        let answer = http
            .ask(&url, question)
            .await
            .map_err(|error| format!("failed to {error}"))?;
        if answer.status != 200 {
            return Err(format!("the server answered {}", answer.status));
        }
        let media_type = answer.media_type.unwrap_or_default();
        let encoding = syncml::Encoding::from_media_type(&media_type)
            .ok_or_else(|| format!("the server answered with `{media_type}`, which is no SyncML"))?;
        let reading = syncml::read(&answer.body, encoding)
            .map_err(|error| format!("failed to read the answer of the server: {error}"))?;
        Ok(Answer {
            message: reading.message,
            body: answer.body,
            hmac: answer.hmac,
        })
    }
}

/// A message of a server, with what carried it.
struct Answer {
    message: Message,
    body: Vec<u8>,
    hmac: Option<String>,
}

impl Answer {
    fn carried(&self) -> Carried<'_> {
        Carried {
            message: &self.message,
            body: &self.body,
            hmac: self.hmac.as_deref(),
        }
    }
}
