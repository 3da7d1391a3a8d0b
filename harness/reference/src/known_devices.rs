//! What a server remembers of the devices that have opened a DM session with it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::background::lock;

/// The most devices that are remembered.
const MAX_DEVICES: usize = 100_000;

/// Devices by identifier.
#[derive(Debug, Default)]
pub(crate) struct KnownDevices(Mutex<BTreeMap<String, KnownDevice>>);

/// One device.
#[derive(Clone, Debug, Default)]
struct KnownDevice {
    maker_and_model: Option<(String, String)>,
    nonces: Option<Nonces>,
}

/// What the next digests are made with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Nonces {
    pub(crate) client: Vec<u8>,
    pub(crate) server: Vec<u8>,
}

impl KnownDevices {
    /// Manufacturer and model, as DevInfo had them last.
    pub(crate) fn of(&self, device: &str) -> Option<(String, String)> {
        lock(&self.0).get(device)?.maker_and_model.clone()
    }

    pub(crate) fn remember(&self, device: &str, manufacturer: &str, model: &str) {
        self.with(device, |known| {
            known.maker_and_model = Some((manufacturer.to_owned(), model.to_owned()));
        });
    }

    /// The nonces for the next session, once there has been one.
    pub(crate) fn nonces(&self, device: &str) -> Option<Nonces> {
        lock(&self.0).get(device)?.nonces.clone()
    }

    pub(crate) fn set_nonces(&self, device: &str, nonces: Nonces) {
        self.with(device, |known| known.nonces = Some(nonces));
    }

    fn with(&self, device: &str, change: impl FnOnce(&mut KnownDevice)) {
        let mut devices = lock(&self.0);
        if devices.len() >= MAX_DEVICES && !devices.contains_key(device) {
            devices.pop_first();
        }
        change(devices.entry(device.to_owned()).or_default());
    }
}
