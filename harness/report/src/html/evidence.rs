//! The evidence of a case on the page: messages as they are read, and the connections that carried them.

use dmconform_model::Ladder;
use dmconform_model::ladder::{ConnectionFacts, Exhibit, Row};

use crate::ladder::titled;
use crate::markup::{escape, escape_lines};
use crate::wording::moment;

/// Everything that a ladder rests on.
pub(super) fn section(anchor: &str, ladder: &Ladder) -> String {
    if ladder.exhibits.is_empty() {
        return String::new();
    }
    let exhibits: String = ladder
        .exhibits
        .iter()
        .map(|shown| exhibit(anchor, shown, ladder))
        .collect();
    let connections: String = ladder
        .connections
        .iter()
        .map(|shown| connection(anchor, shown))
        .collect();
    let connections = if connections.is_empty() {
        String::new()
    } else {
        format!("<h4>Connections</h4>\n{connections}")
    };
    format!("<h4>Evidence</h4>\n{exhibits}{connections}")
}

/// The messages that a record carries.
fn carried(record: u64, ladder: &Ladder) -> String {
    let messages = ladder.rows.iter().filter_map(|row| match row {
        Row::Message(message) if row.record() == Some(record) => Some(titled(message)),
        _ => None,
    });
    let messages: Vec<String> = messages.collect();
    if messages.is_empty() {
        return String::new();
    }
    format!("<b>{}</b> – ", escape(&messages.join(" and ")))
}

fn exhibit(anchor: &str, exhibit: &Exhibit, ladder: &Ladder) -> String {
    let connection = exhibit.connection.filter(|connection| {
        let mut known = ladder.connections.iter();
        known.any(|known| known.connection == *connection)
    });
    let connection = connection
        .map(|number| format!("<p><a href=\"#{anchor}-k{number}\">connection {number}</a></p>"))
        .unwrap_or_default();
    let body = exhibit.body.as_ref().map(|body| {
        let cut = if body.is_cut { ", not all of it shown" } else { "" };
        format!(
            "<p class=\"faint\">{}, {} octets{cut}</p><pre tabindex=\"0\" aria-label=\"body of record {}\">{}</pre>",
            escape(&body.kind),
            body.octets,
            exhibit.record,
            escape_lines(&body.text)
        )
    });
    format!(
        "<details class=\"x\"><summary><span>record {record}</span><span class=\"faint\">{moment}</span>\
         <span class=\"what\">{carried}{title}</span></summary><div id=\"{anchor}-r{record}\">{connection}{facts}{body}</div></details>\n",
        record = exhibit.record,
        moment = moment(exhibit.at_us),
        carried = carried(exhibit.record, ladder),
        title = escape(&exhibit.title),
        facts = facts(&exhibit.facts),
        body = body.unwrap_or_default(),
    )
}

fn connection(anchor: &str, connection: &ConnectionFacts) -> String {
    let first = connection.facts.first().map_or("", |(_, value)| value);
    format!(
        "<details class=\"x\"><summary><span>connection {number}</span><span></span><span class=\"what\">{first}</span></summary>\
         <div id=\"{anchor}-k{number}\">{facts}</div></details>\n",
        number = connection.connection,
        first = escape(first),
        facts = facts(&connection.facts),
    )
}

fn facts(facts: &[(String, String)]) -> String {
    super::list(facts.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}
