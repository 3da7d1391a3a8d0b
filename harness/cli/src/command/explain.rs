//! `dmconform explain`: everything about a case.

use crate::arguments::Explain;
use crate::output::{Failure, print};
use crate::suite;

/// Explains one case.
pub(crate) fn run(arguments: &Explain) -> Result<u8, Failure> {
    let suite = suite::load()?;
    let case = suite::find(&suite, &arguments.id)?;
    print(&dmconform_case::explain::explain(&suite, case));
    Ok(0)
}
