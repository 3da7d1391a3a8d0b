//! `dmconform diagram`: the procedure or a case, drawn.

use dmconform_case::diagram::Diagram as Drawn;
use dmconform_case::test_case::Opener;

use crate::arguments::{Diagram, Drawing};
use crate::output::{Failure, print};
use crate::suite;

/// Draws the procedure, or a case with its changes and expectations.
pub(crate) fn run(arguments: &Diagram) -> Result<u8, Failure> {
    let suite = suite::load()?;
    let drawn = match &arguments.id {
        Some(id) => Drawn::of_case(&suite.procedure, suite::find(&suite, id)?),
        None => {
            let opener = if arguments.opens == "dms-2" {
                Opener::Dms2
            } else {
                Opener::Dms1
            };
            Drawn::of_procedure(&suite.procedure, opener)
        }
    };
    print(&match arguments.format {
        Drawing::Text => drawn.text(),
        Drawing::Mermaid => drawn.mermaid(),
    });
    Ok(0)
}
