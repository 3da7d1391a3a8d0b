//! The deviations that cases name are those that the reference implementation has.

use dmconform_case::Suite;
use dmconform_reference::Deviation;

#[test]
fn the_suite_names_the_deviations_of_the_reference_implementation_in_its_words() {
    let stated: Vec<String> = Suite::embedded()
        .deviations
        .iter()
        .map(|deviation| {
            let of: Vec<&str> = deviation.of.iter().map(|role| role.as_str()).collect();
            format!(
                "{} of {}: {}: {}",
                deviation.name,
                of.join(", "),
                deviation.breaks,
                deviation.words
            )
        })
        .collect();
    let had: Vec<String> = Deviation::ALL
        .iter()
        .map(|deviation| {
            let of: Vec<String> = deviation.roles().iter().map(ToString::to_string).collect();
            format!("{deviation} of {}: {}", of.join(", "), deviation.breaks())
        })
        .collect();
    assert_eq!(stated, had);
}
