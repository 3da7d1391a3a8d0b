//! The variables of an implementation file.

use std::collections::BTreeMap;

use dmconform_case::implementation::{AccountCredentials, Accounts, Endpoints, Implementation};
use dmconform_case::template::fill;
use dmconform_model::Role;

pub(crate) type Variables = BTreeMap<String, String>;

/// Fills a text that may hold variables.
pub(crate) fn filled(text: &str, variables: &Variables) -> String {
    fill(text, variables)
}

/// The endpoints of a product with its variables filled in.
pub(crate) fn endpoints(product: &Implementation, role: Role, variables: &Variables) -> Endpoints {
    let Some(found) = product.endpoints.get(&role) else {
        return Endpoints::default();
    };
    let fill = |text: &Option<String>| text.as_ref().map(|text| filled(text, variables));
    Endpoints {
        dm: fill(&found.dm),
        delegation: fill(&found.delegation),
        bootstrap: fill(&found.bootstrap),
    }
}

/// Credentials with the device filled in.
pub(crate) fn credentials(pattern: &AccountCredentials, variables: &Variables) -> AccountCredentials {
    let fill = |text: &str| filled(text, variables);
    AccountCredentials {
        client_name: fill(&pattern.client_name),
        client_secret: fill(&pattern.client_secret),
        server_secret: fill(&pattern.server_secret),
        nonce: fill(&pattern.nonce),
        node: fill(&pattern.node),
    }
}

/// The variables of the credentials; patterns stay patterns.
pub(crate) fn of_credentials(credentials: &Accounts) -> Variables {
    let mut variables = Variables::new();
    for (role, account) in [("dms-1", &credentials.dms_1), ("dms-2", &credentials.dms_2)] {
        let parts = [
            ("client-name", &account.client_name),
            ("client-secret", &account.client_secret),
            ("server-secret", &account.server_secret),
            ("nonce", &account.nonce),
            ("node", &account.node),
        ];
        variables.extend(parts.map(|(part, value)| (format!("credentials.{role}.{part}"), value.clone())));
    }
    variables
}
