//! Triggers: requests, commands and questions to the operator that make a product do something.

use std::sync::Arc;
use std::time::Duration;

use dmconform_case::implementation::{HttpTrigger, Trigger};
use dmconform_case::template::fill;
use dmconform_model::transcript::TriggerOutcome;
use dmconform_roles::Errand;

use crate::command;
use crate::secrets::NOTIFY;
use crate::target::Running;
use crate::variables::Variables;

impl Running {
    /// Does what a trigger says, with its variables filled in.
    pub(crate) async fn trigger(
        &self,
        name: &str,
        trigger: &Trigger,
        variables: &Variables,
        patience: Duration,
    ) -> TriggerOutcome {
        match trigger {
            Trigger::Http(http) => {
                let body = fill(&http.body, variables).into_bytes();
                self.request(name, http, body, variables, patience).await
            }
            Trigger::Command(wanted) => {
                let mut wanted = wanted.clone();
                for text in wanted.command.iter_mut().chain(wanted.environment.values_mut()) {
                    *text = fill(text, variables);
                }
                match command::run(&wanted, &self.work).await {
                    Ok(()) => TriggerOutcome::Taken,
                    Err(error @ command::CommandError::Ended { .. }) => {
                        TriggerOutcome::Refused(error.to_string())
                    }
                    Err(error) => TriggerOutcome::Unreachable(error.to_string()),
                }
            }
            Trigger::Prompt(text) => match self.operator.ask(fill(text, variables)).await {
                Ok(()) => TriggerOutcome::Taken,
                Err(reason) => TriggerOutcome::Unreachable(reason),
            },
        }
    }

    /// Hands a notification to a device.
    pub(crate) async fn notify(
        &self,
        http: &HttpTrigger,
        notification: Vec<u8>,
        variables: &Variables,
        patience: Duration,
    ) -> TriggerOutcome {
        self.request(NOTIFY, http, notification, variables, patience)
            .await
    }

    async fn request(
        &self,
        name: &str,
        http: &HttpTrigger,
        body: Vec<u8>,
        variables: &Variables,
        patience: Duration,
    ) -> TriggerOutcome {
        let mut headers = vec![("content-type".to_owned(), http.media_type.clone())];
        let further = self.trigger_headers.get(name).into_iter().flatten();
        headers.extend(further.map(|(name, value)| (name.to_lowercase(), fill(value, variables))));
        let errand = Errand {
            method: http.method.clone(),
            url: fill(&http.url, variables),
            headers,
            body,
        };
        match Arc::clone(&self.stage).run_errand(&errand, patience).await {
            Ok((200..300, _)) => TriggerOutcome::Taken,
            Ok((status, said)) => TriggerOutcome::Refused(format!("{status} {said}").trim_end().to_owned()),
            Err(reason) => TriggerOutcome::Unreachable(reason),
        }
    }
}
