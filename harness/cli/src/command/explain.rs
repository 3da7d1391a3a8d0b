//! `dmconform explain`: everything about a case, a requirement, a deviation, an oddity or a kind of finding.

use dmconform_case::explain;
use dmconform_case::read::nearest;

use crate::arguments::Explain;
use crate::output::{Failure, print};
use crate::suite;

/// Explains what has the name.
pub(crate) fn run(arguments: &Explain) -> Result<u8, Failure> {
    let suite = suite::load_with(&arguments.cases, None)?;
    let name = &arguments.id;
    let text = explain::named(&suite, name).ok_or_else(|| {
        let help = nearest(name, explain::names(&suite)).map_or_else(
            || {
                "`dmconform list`, `dmconform list --requirements` and `dmconform reference --list-deviations` name \
                 what there is"
                    .to_owned()
            },
            |near| format!("did you mean `{near}`?"),
        );
        Failure::usage(format!("find `{name}` to explain it; {help}"))
    })?;
    print(&text);
    Ok(0)
}
