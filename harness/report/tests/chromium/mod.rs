//! The page as people see it: in a real Chromium, at the width of a desk and of a pocket, in light and dark.
//!
//! With `DMCONFORM_SCREENSHOTS=FOLDER` pictures are kept.

mod browser;

use std::io::Write as _;
use std::path::PathBuf;

use dmconform_report::html;
use serde_json::{Value, json};

use self::browser::Browser;
use crate::common::eventful;

/// Does something with a browser; says so where there is none.
fn with_browser(name: &str, use_it: impl FnOnce(&mut Browser)) {
    let Some(program) = browser::installed() else {
        let skipped = "skipped: chromium not installed";
        assert!(std::env::var_os("DMCONFORM_NO_SKIPS").is_none(), "{skipped}");
        // Written past the test framework, which would keep it to itself.
        let _ = std::io::stderr().write_all(format!("{skipped}\n").as_bytes());
        return;
    };
    let folder: PathBuf = std::env::temp_dir().join(format!("dmconform-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let mut browser = Browser::start(program, &folder);
    use_it(&mut browser);
    let complaints = std::mem::take(&mut browser.complaints);
    drop(browser);
    // What is left of it is of no use to anybody.
    let _ = std::fs::remove_dir_all(&folder);
    assert!(complaints.is_empty(), "{complaints:?}");
}

fn page() -> String {
    let (record, ladders) = eventful();
    html::write(&record, &ladders)
}

/// The sample of products against products.
fn matrix_page() -> String {
    let mut files = crate::common::samples::files();
    let page = files
        .remove("matrix/matrix.html")
        .expect("it is among the samples");
    String::from_utf8(page).expect("a page is text")
}

/// Widths at which the page itself has to be moved sideways, and what makes it so.
const OVERFLOW: &str = "(() => {
    const wide = document.documentElement.scrollWidth;
    const room = document.documentElement.clientWidth;
    const inScroller = e => e.closest('.scroll, pre, svg');
    const culprits = [...document.querySelectorAll('body *')]
        .filter(e => !inScroller(e) && !e.classList.contains('skip') && e.getBoundingClientRect().right > room + 1)
        .map(e => e.tagName + '.' + e.className);
    return {wide, room, culprits: culprits.slice(0, 5)};
})()";

#[test]
fn nothing_is_wider_than_the_window() {
    with_browser("overflow", |browser| {
        let widths = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")];
        let pages = [page(), matrix_page()];
        for (page, (width, scheme)) in pages.iter().flat_map(|page| widths.map(|shown| (page, shown))) {
            browser.show(page, width, scheme);
            browser.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)");
            let found = browser.evaluate(OVERFLOW);
            assert!(
                found["wide"].as_u64() <= found["room"].as_u64() && found["culprits"] == json!([]),
                "{width}: {found}"
            );
        }
    });
}

#[test]
fn pictures_can_be_looked_at() {
    with_browser("pictures", |browser| {
        let page = page();
        for width in [1280, 390] {
            for scheme in ["light", "dark"] {
                browser.show(&page, width, scheme);
                let name = format!("report-{width}-{scheme}");
                browser.picture(&name, true);
                let height = browser.evaluate("document.body.scrollHeight");
                assert!(height.as_u64() > Some(900), "there is something to see: {height}");
            }
        }
    });
}

/// The contrast of every text with what is behind it (WCAG 2.1, 1.4.3: 4.5, or 3 where it is large).
const CONTRAST: &str = "(() => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
    const rgba = colour => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map(c => (c /= 255) <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
        return .2126 * x + .7152 * y + .0722 * z;
    };
    const behind = element => {
        for (let e = element; e; e = e.parentElement) {
            const style = getComputedStyle(e);
            const marked = e.namespaceURI.endsWith('svg') && e.querySelector(':scope > rect.m, :scope > rect.n');
            const colour = marked ? getComputedStyle(marked).fill : style.backgroundColor;
            if (rgba(colour)[3] === 255) return rgba(colour);
        }
        return [255, 255, 255];
    };
    const poor = [];
    let count = 0;
    for (const element of document.querySelectorAll('body *')) {
        const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
        if (!own || !element.checkVisibility() || element.closest('symbol, .skip')) continue;
        const style = getComputedStyle(element);
        const isSvg = element.namespaceURI.endsWith('svg');
        const [a, b] = [light(rgba(isSvg ? style.fill : style.color)), light(behind(element))];
        const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        count += 1;
        if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5))
            poor.push(element.tagName + '.' + element.getAttribute('class') + ' ' + ratio.toFixed(2) + ' ' + element.textContent.slice(0, 30));
    }
    return {count, poor: poor.slice(0, 8)};
})()";

#[test]
fn every_text_stands_out_from_what_is_behind_it() {
    with_browser("contrast", |browser| {
        let pages = [(page(), 300), (matrix_page(), 50)];
        for ((page, texts), scheme) in pages
            .iter()
            .flat_map(|page| ["light", "dark"].map(|scheme| (page, scheme)))
        {
            browser.show(page, 1280, scheme);
            browser.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)");
            let found = browser.evaluate(CONTRAST);
            assert!(found["count"].as_u64() > Some(*texts), "{found}");
            assert_eq!(found["poor"], json!([]), "{scheme}");
        }
    });
}

/// What a screen reader is told: everything that can be used has a name, and the parts of the page are there.
#[test]
fn a_screen_reader_finds_parts_and_names() {
    with_browser("names", |browser| {
        browser.show(&page(), 1280, "light");
        browser.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)");
        browser.command("Accessibility.enable", json!({}));
        let tree = browser.command("Accessibility.getFullAXTree", json!({}));
        let nodes = tree["nodes"].as_array().expect("there is a tree");
        let said: Vec<(&str, &str)> = nodes
            .iter()
            .filter(|node| node["ignored"] != json!(true))
            .map(|node| (text(&node["role"]), text(&node["name"])))
            .collect();
        let count = |role: &str| said.iter().filter(|(known, _)| *known == role).count();
        for (role, least) in [
            ("main", 1),
            ("banner", 1),
            ("navigation", 1),
            ("contentinfo", 1),
            ("form", 1),
            ("heading", 8),
            ("table", 2),
            ("columnheader", 10),
            ("rowheader", 8),
            ("radio", 10),
            ("link", 100),
        ] {
            assert!(count(role) >= least, "{role}: {}", count(role));
        }
        for (role, name) in &said {
            let has_to = matches!(
                *role,
                "link"
                    | "radio"
                    | "region"
                    | "form"
                    | "heading"
                    | "img"
                    | "navigation"
                    | "DisclosureTriangle"
            );
            assert!(!has_to || !name.is_empty(), "a {role} has no name");
        }
        let first = said
            .iter()
            .filter(|(role, name)| *role == "link" && name.contains("first divergence"));
        assert!(
            first.count() >= 5,
            "the first divergence of every ladder can be heard"
        );
    });
}

fn text(value: &Value) -> &str {
    value["value"].as_str().unwrap_or_default()
}

/// Filters hide cases without a script; a link opens what it leads into.
#[test]
fn filters_and_links_work_without_a_script() {
    with_browser("filters", |browser| {
        browser.show(&page(), 1280, "light");
        let shown = "[...document.querySelectorAll('.case')].filter(c => c.checkVisibility()).length";
        let all = browser.evaluate(shown);
        let choose = |browser: &mut Browser, id: &str| {
            browser.evaluate(&format!("document.getElementById('{id}').click()"));
            browser.evaluate(shown)
        };
        let failing = "document.querySelectorAll('.case[data-v=fail]').length";
        let failing = browser.evaluate(failing);
        assert_eq!(choose(browser, "v-fail"), failing);
        assert_ne!(failing, all);
        assert_eq!(choose(browser, "v-all"), all);
        let of_step = choose(browser, "s-8");
        assert!(
            of_step.as_u64() > Some(0) && of_step.as_u64() < all.as_u64(),
            "{of_step}"
        );
        choose(browser, "s-all");
        // By keyboard: from one choice of a group to the next.
        browser.evaluate("document.getElementById('v-all').focus()");
        for kind in ["rawKeyDown", "keyUp"] {
            browser.command(
                "Input.dispatchKeyEvent",
                json!({"type": kind, "key": "ArrowRight", "code": "ArrowRight", "windowsVirtualKeyCode": 39}),
            );
        }
        let now = browser.evaluate("document.activeElement.id");
        assert_eq!(now, json!("v-open"));
        assert!(browser.evaluate(shown).as_u64() < all.as_u64());
        choose(browser, "v-all");
        // A link to evidence that is closed.
        let opened = browser.evaluate(
            "(async () => {
                const link = [...document.querySelectorAll('.case:not(:has(> details[open])) svg a')].at(-1);
                location.hash = link.getAttribute('href');
                await new Promise(done => setTimeout(done, 200));
                return document.querySelector(location.hash).checkVisibility();
            })()",
        );
        assert_eq!(opened, json!(true));
    });
}

/// On paper there is what did not pass, and no filter.
#[test]
fn printing_shows_what_did_not_pass() {
    with_browser("print", |browser| {
        browser.show(&page(), 800, "dark");
        browser.command("Emulation.setEmulatedMedia", json!({"media": "print"}));
        let found = browser.evaluate(
            "({filters: document.querySelector('.filters').checkVisibility(),
               ladders: [...document.querySelectorAll('.case[data-v=fail] .ladder')].every(l => l.checkVisibility()),
               count: document.querySelectorAll('.case[data-v=fail] .ladder').length,
               paper: getComputedStyle(document.body).backgroundColor})",
        );
        assert_eq!(found["filters"], json!(false));
        assert_eq!(found["paper"], json!("rgb(255, 255, 255)"));
        assert!(found["count"].as_u64() > Some(3));
        assert_eq!(found["ladders"], json!(true));
        browser.picture("report-print", true);
    });
}
