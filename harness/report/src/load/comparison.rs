//! Two loads beside each other.

use std::fmt::Write as _;

use dmconform_model::load::{Latency, LoadResult};

use super::{lines, measured, said, table};

/// What differs between two loads, by ratios: the later one to the earlier one.
pub fn compare(before: &LoadResult, after: &LoadResult) -> String {
    let mut text = String::new();
    if before.case != after.case || before.arrivals != after.arrivals {
        text.push_str("these are no equal loads: another delegation, or other arrivals\n\n");
    }
    if before.asked != after.asked || before.poll_interval_ms != after.poll_interval_ms {
        text.push_str("another number of delegations, or idle clients that come at another interval: latencies differ by that, too\n\n");
    }
    let _ = writeln!(text, "before: {}\nafter:  {}\n", said(before), said(after));
    let mut table = table(&["", "before", "after", "ratio"]);
    table.add_row([
        "passed in a second".to_owned(),
        format!("{:.1}", before.per_second),
        format!("{:.1}", after.per_second),
        ratio(before.per_second, after.per_second),
    ]);
    let mut add = |name: &str, before: &Latency, after: &Latency| {
        let (has_before, has_after) = (before.count > 0, after.count > 0);
        let is_in_both = has_before && has_after;
        for (words, per_mille) in [("median", 500), ("99 %", 990)] {
            let (before, after) = (before.at(per_mille), after.at(per_mille));
            #[expect(clippy::cast_precision_loss, reason = "a ratio of three digits")]
            let ratio = ratio(before as f64, after as f64);
            // What was never measured is not infinitely fast.
            let ratio = match is_in_both {
                true => ratio,
                false => "-".to_owned(),
            };
            let (before, after) = (measured(has_before, before), measured(has_after, after));
            table.add_row([format!("{name}, {words}"), before, after, ratio]);
        }
    };
    add("whole delegation", &before.whole, &after.whole);
    for of in &after.messages {
        let same = |known: &&dmconform_model::load::MessageLatency| {
            known.message == of.message && known.from == of.from
        };
        if let Some(known) = before.messages.iter().find(same) {
            add(&of.message.to_string(), &known.latency, &of.latency);
        }
    }
    text + &lines(&table) + "\n"
}

fn ratio(before: f64, after: f64) -> String {
    if before > 0.0 {
        format!("{:.2}", after / before)
    } else {
        "-".to_owned()
    }
}
