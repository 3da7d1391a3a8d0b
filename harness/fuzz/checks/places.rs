//! Places of elements.

use oma_dm::xml::Element;

/// Every element lies in the document, inside of its parent and behind the one before it.
pub(crate) fn check(root: &Element<'_>, octets: usize) {
    assert!(root.at.end <= octets, "the root lies in the document");
    inside(root);
}

fn inside(element: &Element<'_>) {
    assert!(element.at.start < element.at.end, "an element is not empty");
    let mut from = element.at.start + 1;
    for child in element.elements() {
        assert!(child.at.start >= from, "children follow each other");
        assert!(child.at.end <= element.at.end, "children end before their parent");
        from = child.at.end;
        inside(child);
    }
}
