//! Triggers: requests, commands and questions to the operator that make a product do something.

use std::sync::Arc;
use std::time::Duration;

use dmconform_case::implementation::{HttpTrigger, Trigger, Triggers};
use dmconform_case::template::fill;
use dmconform_model::Role;
use dmconform_model::transcript::TriggerOutcome;
use dmconform_roles::Errand;

use crate::command;
use crate::member::Member;
use crate::secrets::NOTIFY;
use crate::target::Running;
use crate::variables::Variables;

/// What a product is made to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// That a server opens a delegation.
    StartDelegation(Role),
    /// That a client opens a DM session with a server.
    ContactServer,
    /// That a client fetches its bootstrap.
    FetchBootstrap,
    /// That a device is as it was before the first delegation.
    ResetDevice,
    /// That a client has the account of DMS-1.
    ProvisionAccount,
    /// That a Bootstrap Server hands out the bootstrap of a device.
    ProvisionBootstrap,
}

impl Wish {
    /// As implementation files name it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::StartDelegation(_) => "start-delegation",
            Self::ContactServer => "contact-server",
            Self::FetchBootstrap => "fetch-bootstrap",
            Self::ResetDevice => "reset-device",
            Self::ProvisionAccount => "provision-account",
            Self::ProvisionBootstrap => "provision-bootstrap",
        }
    }

    /// Of which role it is asked.
    pub(crate) const fn role(self) -> Role {
        match self {
            Self::StartDelegation(role) => role,
            Self::ProvisionBootstrap => Role::BootstrapServer,
            Self::ContactServer | Self::FetchBootstrap | Self::ResetDevice | Self::ProvisionAccount => {
                Role::DmClient
            }
        }
    }

    const fn of(self, triggers: &Triggers) -> Option<&Trigger> {
        match self {
            Self::StartDelegation(_) => triggers.start_delegation.as_ref(),
            Self::ContactServer => triggers.contact_server.as_ref(),
            Self::FetchBootstrap => triggers.fetch_bootstrap.as_ref(),
            Self::ResetDevice => triggers.reset_device.as_ref(),
            Self::ProvisionAccount => triggers.provision_account.as_ref(),
            Self::ProvisionBootstrap => triggers.provision_bootstrap.as_ref(),
        }
    }
}

impl Running {
    /// The product that plays a role.
    fn playing(&self, role: Role) -> Option<&Member> {
        let plays = |member: &&Member| member.file.implementation.plays.contains(&role);
        self.members.iter().find(plays)
    }

    fn trigger_for(&self, wish: Wish) -> Option<(&Member, &Trigger)> {
        let member = self.playing(wish.role())?;
        Some((member, wish.of(&member.file.implementation.triggers)?))
    }

    /// Whether there is a trigger for something.
    pub(crate) fn can(&self, wish: Wish) -> bool {
        self.trigger_for(wish).is_some()
    }

    /// Makes a product do something; nothing where there is no trigger for it.
    pub(crate) async fn make(
        &self,
        wish: Wish,
        variables: &Variables,
        patience: Duration,
    ) -> Option<TriggerOutcome> {
        let (member, trigger) = self.trigger_for(wish)?;
        let variables = member.with(variables);
        Some(match trigger {
            Trigger::Http(http) => {
                let body = fill(&http.body, &variables).into_bytes();
                self.request(member, wish.name(), http, body, &variables, patience)
                    .await
            }
            Trigger::Command(wanted) => {
                let mut wanted = wanted.clone();
                for text in wanted.command.iter_mut().chain(wanted.environment.values_mut()) {
                    *text = fill(text, &variables);
                }
                match command::run(&wanted, &member.work).await {
                    Ok(()) => TriggerOutcome::Taken,
                    Err(error @ command::CommandError::Ended { .. }) => {
                        TriggerOutcome::Refused(error.to_string())
                    }
                    Err(error) => TriggerOutcome::Unreachable(error.to_string()),
                }
            }
            Trigger::Prompt(text) => match self.operator.ask(fill(text, &variables)).await {
                Ok(()) => TriggerOutcome::Taken,
                Err(reason) => TriggerOutcome::Unreachable(reason),
            },
        })
    }

    /// Whether notifications can be handed to its devices.
    pub(crate) fn takes_notifications(&self) -> bool {
        self.playing(Role::DmClient)
            .is_some_and(|member| member.file.implementation.triggers.notify_device.is_some())
    }

    /// Hands a notification to a device; nothing where there is no trigger for it.
    pub(crate) async fn notify(
        &self,
        notification: Vec<u8>,
        variables: &Variables,
        patience: Duration,
    ) -> Option<TriggerOutcome> {
        let member = self.playing(Role::DmClient)?;
        let http = member.file.implementation.triggers.notify_device.as_ref()?;
        let variables = member.with(variables);
        Some(
            self.request(member, NOTIFY, http, notification, &variables, patience)
                .await,
        )
    }

    async fn request(
        &self,
        member: &Member,
        name: &str,
        http: &HttpTrigger,
        body: Vec<u8>,
        variables: &Variables,
        patience: Duration,
    ) -> TriggerOutcome {
        let mut headers = vec![("content-type".to_owned(), http.media_type.clone())];
        let further = member.trigger_headers.get(name).into_iter().flatten();
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

impl Member {
    /// Its variables, and those of a delegation.
    fn with(&self, variables: &Variables) -> Variables {
        let mut all = self.variables.clone();
        all.extend(
            variables
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        all
    }
}
