//! Triggers: plain HTTP requests that make a product do something.

use std::collections::BTreeMap;
use std::time::Duration;

use dmconform_case::implementation::HttpTrigger;
use dmconform_case::template::fill;
use dmconform_model::transcript::TriggerOutcome;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The most that is read of an answer.
const MAX_ANSWER: u64 = 64 * 1024;

/// Sends a trigger with its variables filled in.
pub(crate) async fn send(
    trigger: &HttpTrigger,
    variables: &BTreeMap<String, String>,
    patience: Duration,
) -> TriggerOutcome {
    let body = fill(&trigger.body, variables);
    send_octets(trigger, body.as_bytes(), variables, patience).await
}

/// Sends a trigger with this body instead of its own.
pub(crate) async fn send_octets(
    trigger: &HttpTrigger,
    body: &[u8],
    variables: &BTreeMap<String, String>,
    patience: Duration,
) -> TriggerOutcome {
    let url = fill(&trigger.url, variables);
    match tokio::time::timeout(patience, exchange(trigger, &url, body)).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(reason)) => TriggerOutcome::Unreachable(reason),
        Err(_) => TriggerOutcome::Unreachable(format!("{url} gave no answer within {patience:?}")),
    }
}

async fn exchange(trigger: &HttpTrigger, url: &str, body: &[u8]) -> Result<TriggerOutcome, String> {
    let rest = url
        .strip_prefix("http://")
        .ok_or_else(|| format!("`{url}` is no http URL"))?;
    let (authority, target) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let target = if target.is_empty() { "/" } else { target };
    let address = if authority.contains(':') {
        authority.to_owned()
    } else {
        format!("{authority}:80")
    };
    let mut socket = TcpStream::connect(&address)
        .await
        .map_err(|error| format!("{address}: {error}"))?;
    let request = format!(
        "{} {target} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n",
        trigger.method,
        trigger.media_type,
        body.len()
    );
    socket
        .write_all(&[request.as_bytes(), body].concat())
        .await
        .map_err(|error| format!("{address}: {error}"))?;
    let mut answer = Vec::new();
    let read = socket.take(MAX_ANSWER).read_to_end(&mut answer).await;
    // Some servers reset where they should close; what arrived counts.
    if answer.is_empty() {
        read.map_err(|error| format!("{address}: {error}"))?;
    }
    let text = String::from_utf8_lossy(&answer);
    let status = text
        .split_whitespace()
        .nth(1)
        .and_then(|status| status.parse::<u16>().ok());
    let said = text
        .split_once("\r\n\r\n")
        .map_or("", |(_, body)| body)
        .trim()
        .chars()
        .take(500)
        .collect::<String>();
    match status {
        Some(status) if (200..300).contains(&status) => Ok(TriggerOutcome::Taken),
        Some(status) => Ok(TriggerOutcome::Refused(format!("{status} {said}"))),
        None => Err(format!("{address} answered something that is no HTTP")),
    }
}
