//! The operator: prompts on standard error, answers on standard input.

use std::io::BufRead as _;
use std::sync::Arc;

use dmconform_runner::Operator;
use tokio::sync::Mutex;

use crate::output::tell;

/// Asks whoever sits at the terminal, one thing at a time: an empty line says that it is done, anything else why it is not.
pub(super) fn at_the_terminal() -> Operator {
    let turn = Arc::new(Mutex::new(()));
    Operator::new(move |text| {
        let turn = Arc::clone(&turn);
        Box::pin(async move {
            let _turn = turn.lock().await;
            let asked = tokio::task::spawn_blocking(move || ask(&text)).await;
            asked.unwrap_or_else(|error| Err(error.to_string()))
        })
    })
}

fn ask(text: &str) -> Result<(), String> {
    tell(&format!(
        "\n>>> {text}\n>>> press Enter when it is done, or say why it cannot be: "
    ));
    let mut line = String::new();
    match std::io::stdin().lock().read_line(&mut line) {
        Ok(0) => Err("standard input has ended: nobody is there to be asked".to_owned()),
        Ok(_) => match line.trim() {
            "" => Ok(()),
            reason => Err(format!("the operator said: {reason}")),
        },
        Err(error) => Err(format!("standard input cannot be read: {error}")),
    }
}
