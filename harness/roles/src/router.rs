//! Finds the case that something on a shared listener belongs to: by device, by session, by a token in a URL.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::context::CaseContext;

/// The running cases of one stage.
#[derive(Default)]
pub struct Router {
    cases: Mutex<Cases>,
}

#[derive(Default)]
struct Cases {
    /// By device identifier: each running case has leased one.
    by_device: BTreeMap<String, Arc<CaseContext>>,
    /// The only running case, while it has the listeners to itself.
    exclusive: Option<Arc<CaseContext>>,
}

impl Router {
    /// Lets a case take part; `exclusive` if it has the listeners to itself.
    pub fn enter(&self, context: &Arc<CaseContext>, exclusive: bool) {
        let mut cases = self.lock();
        cases
            .by_device
            .insert(context.header.parties.device.clone(), Arc::clone(context));
        if exclusive {
            cases.exclusive = Some(Arc::clone(context));
        }
    }

    /// Lets a case go.
    pub fn leave(&self, context: &CaseContext) {
        let mut cases = self.lock();
        cases.by_device.remove(&context.header.parties.device);
        cases.exclusive = None;
    }

    /// The case that has the listeners to itself.
    pub fn exclusive(&self) -> Option<Arc<CaseContext>> {
        self.lock().exclusive.clone()
    }

    /// The case of a device.
    pub fn by_device(&self, device: &str) -> Option<Arc<CaseContext>> {
        self.lock().by_device.get(device).cloned()
    }

    /// The case of a document between the servers: by its device, then by its session, and if it names neither
    /// properly, the only case there is.
    pub fn by_document(&self, device: Option<&str>, session: Option<&str>) -> Option<Arc<CaseContext>> {
        if let Some(found) = device.and_then(|device| self.by_device(device)) {
            return Some(found);
        }
        let cases = self.lock();
        let by_session = session
            .filter(|session| !session.is_empty())
            .and_then(|session| cases.by_device.values().find(|case| case.session_id() == session));
        by_session.cloned().or_else(|| cases.only())
    }

    /// The case whose token or device is in the target of a request.
    pub fn by_target(&self, target: &str) -> Option<Arc<CaseContext>> {
        let cases = self.lock();
        let named = cases.by_device.values().find(|case| {
            let device = &case.header.parties.device;
            target.contains(&case.token) || ends_segment(target, device)
        });
        named.cloned().or_else(|| cases.only())
    }

    fn lock(&self) -> MutexGuard<'_, Cases> {
        self.cases
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Cases {
    fn only(&self) -> Option<Arc<CaseContext>> {
        let mut all = self.by_device.values();
        let first = all.next()?;
        all.next().is_none().then(|| Arc::clone(first))
    }
}

/// Whether a target holds a text as a whole path segment or query value, plain or with `%` escapes: device 1 is
/// not device 12.
fn ends_segment(target: &str, text: &str) -> bool {
    let decoded = percent_decoded(target);
    decoded
        .split(['/', '?', '&', '=', '#'])
        .any(|segment| segment == text)
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escape = bytes
            .get(at + 1..at + 3)
            .filter(|_| byte == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escape.unwrap_or(byte));
        at += if escape.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::ends_segment;

    #[rstest]
    #[case("/bootstrap/urn:example:1", "urn:example:1", true)]
    #[case("/bootstrap/urn%3Aexample%3A1?x=2", "urn:example:1", true)]
    #[case("/bootstrap?device=urn:example:1", "urn:example:1", true)]
    #[case("/bootstrap/urn:example:12", "urn:example:1", false)]
    #[case("/bootstrap/%", "urn:example:1", false)]
    fn a_device_is_found_as_a_whole_segment_only(
        #[case] target: &str,
        #[case] device: &str,
        #[case] found: bool,
    ) {
        assert_eq!(ends_segment(target, device), found);
    }
}
