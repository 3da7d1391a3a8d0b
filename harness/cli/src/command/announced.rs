//! What an implementation file has the harness run, shown before anything of it is: whoever wrote it may be somebody else.

use dmconform_case::implementation::{Implementation, Trigger};
use dmconform_runner::TargetFile;

use crate::output::tell;

/// Says on standard error which commands the user's implementation files name, a line for each product.
pub(super) fn announce(targets: &[TargetFile]) {
    for target in targets {
        announce(&target.parts);
        // What is bundled runs nothing but this program.
        if target.path.is_some()
            && let Some(commands) = commands(&target.implementation)
        {
            tell(&format!("{} runs {commands}\n", target.name));
        }
    }
}

/// The commands of an implementation file, as they stand there; nothing if there are none.
fn commands(product: &Implementation) -> Option<String> {
    let start = product.start.iter();
    let start = start.flat_map(|start| [("start", &start.command), ("ready", &start.ready.command)]);
    let stop = product.stop.iter().map(|stop| ("stop", &stop.command));
    let reset = product.reset.iter().map(|reset| ("reset", &reset.command));
    let triggers = product
        .triggers
        .all()
        .filter_map(|(name, trigger)| match trigger {
            Trigger::Command(command) => Some((name, &command.command)),
            Trigger::Http(_) | Trigger::Prompt(_) => None,
        });
    let all = start.chain(stop).chain(reset).chain(triggers);
    let named = all
        .filter(|(_, words)| !words.is_empty())
        .map(|(name, words)| format!("`{}` ({name})", shown(words)));
    let named: Vec<String> = named.collect();
    (!named.is_empty()).then(|| named.join(", "))
}

/// The words of a command, each quoted where it does not stand for itself, without anything that a terminal obeys.
fn shown(words: &[String]) -> String {
    let quoted = words.iter().map(|word| {
        let is_plain = |character: char| character.is_alphanumeric() || "-_./:=@%+,${}".contains(character);
        match !word.is_empty() && word.chars().all(is_plain) {
            true => word.clone(),
            false => format!("{word:?}"),
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use dmconform_case::read::{self, Source};

    use super::*;

    fn announced(more: &str) -> Option<String> {
        let text = format!(
            "implementation: {{vendor: Acme, product: Cloud, version: \"1\"}}\nplays: [dms-2]\nidentity: {{dms-2: {{server-id: dms2.acme.test}}}}\n\
             devices: {{list: [{{id: a}}]}}\nendpoints: {{dms-2: {{dm: \"https://127.0.0.1:1/dm\", delegation: \"https://127.0.0.1:1/d\"}}}}\n{more}"
        );
        let name = "acme.yaml";
        let read = read::implementation(Source { name, text: &text });
        commands(&read.unwrap_or_else(|problems| panic!("{problems:#?}")))
    }

    #[test]
    fn every_command_of_a_file_is_shown_as_it_stands_there() {
        let shown = announced(
            "start: {command: [acme, --config, \"${work}/acme.toml\"], ready: {command: [acme, ping], within: 1s}}\n\
             stop: {command: [acme, stop]}\nreset: {command: [sh, -c, \"rm -rf state; \\e[2J\"]}\n\
             triggers: {reset-device: {command: {command: [wipe, \"\"]}}}\n",
        );
        let shown = shown.expect("there are commands");
        assert_eq!(
            shown,
            "`acme --config ${work}/acme.toml` (start), `acme ping` (ready), `acme stop` (stop), \
             `sh -c \"rm -rf state; \\u{1b}[2J\"` (reset), `wipe \"\"` (reset-device)"
        );
    }

    #[test]
    fn a_file_without_commands_is_not_announced() {
        assert_eq!(announced(""), None);
    }
}
