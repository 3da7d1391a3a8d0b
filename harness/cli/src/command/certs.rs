//! `dmconform certs`: test certificates for a product that is configured by hand.

use dmconform_model::quoted;

use crate::arguments::Certs;
use crate::output::{Failure, print};

/// Writes the set and says what is in it.
pub(crate) fn run(arguments: &Certs) -> Result<u8, Failure> {
    let parties = [
        ("dm-client", "device"),
        ("dms-1", arguments.dms_1.as_str()),
        ("dms-2", arguments.dms_2.as_str()),
        ("bootstrap-server", "bootstrap.dmconform.test"),
    ];
    // The key of the root is kept nowhere: an authority that is written over is lost to the products that trust it.
    if let Some(path) = dmconform_runner::existing_certificates(&arguments.out, &parties) {
        return Err(Failure::usage(format!(
            "write certificates: `{}` is there already, and products may be configured with it; choose another folder, or remove \
             what is in this one first",
            path.display()
        )));
    }
    dmconform_runner::certificates(&arguments.out, &parties, &arguments.host)
        .map_err(|error| Failure::environment(error.to_string()))?;
    let folder = arguments.out.display().to_string();
    let named = quoted(&folder);
    let mut text = format!(
        "wrote to {folder}:\n  roots.pem         what every party trusts\n  intermediate.pem, intermediate.key  the issuing authority, for `dmconform run --certificates {named}`\n  revocation-list.pem  what it has revoked: the test certificates of kind `revoked`\n"
    );
    for (name, server_id) in parties {
        let hosts: String = arguments.host.iter().map(|host| format!("`{host}`, ")).collect();
        text = format!("{text}  {name}.pem, {name}.key  for `{server_id}`, {hosts}localhost and 127.0.0.1\n");
    }
    text.push_str("all of them are good for 30 days\n");
    print(&text);
    Ok(0)
}
