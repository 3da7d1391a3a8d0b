//! `dmconform diagram`: the procedure or a case, drawn.

use dmconform_case::diagram;
use dmconform_case::test_case::Opener;
use dmconform_report::diagram::{mermaid, svg, text};

use crate::arguments::{Diagram, Drawing};
use crate::output::{Failure, print};
use crate::suite;

/// Draws the procedure, or a case with its changes and expectations.
pub(crate) fn run(arguments: &Diagram) -> Result<u8, Failure> {
    let suite = suite::load_with(&arguments.cases, None)?;
    let drawn = match &arguments.id {
        Some(id) => diagram::of_case(&suite.procedure, suite::find(&suite, id)?),
        None => {
            let opener = if arguments.opens == "dms-2" {
                Opener::Dms2
            } else {
                Opener::Dms1
            };
            diagram::of_procedure(&suite.procedure, opener)
        }
    };
    print(&match arguments.format {
        Drawing::Text => text::write(&drawn),
        Drawing::Mermaid => mermaid::write(&drawn),
        Drawing::Svg => svg::write(&drawn),
    });
    Ok(0)
}
