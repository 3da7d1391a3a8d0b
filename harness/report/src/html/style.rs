//! The looks of the page, and its filters, which need no script.

use dmconform_model::{Role, Step, Verdict};

/// The style of the page, without what filters need.
pub(crate) const PAGE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--faint:#57606a;--line:#d0d7de;--paper:#fff;--box:#f6f8fa;--link:#0550ae;\
--pass:#116329;--fail:#b3141f;--warn:#7d4e00;--open:#6639ba;--none:#57606a;--mark:#ffebe9;--focus:#0550ae}\
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--faint:#9da7b1;--line:#3d444d;--paper:#0d1117;--box:#151b23;--link:#79b8ff;\
--pass:#56d364;--fail:#ff8e87;--warn:#e3b341;--open:#d2a8ff;--none:#9da7b1;--mark:#3a1518;--focus:#79b8ff}}\
*{box-sizing:border-box}html{scroll-padding-top:1rem}\
body{font:15px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif;margin:0;color:var(--ink);background:var(--paper)}\
main,header,footer{max-width:1240px;margin:0 auto;padding:0 20px}\
h1{font-size:1.35rem;margin:1.4rem 0 .4rem}h2{font-size:1.2rem;margin:2.4rem 0 .6rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}\
h3{font-size:1rem;margin:1.6rem 0 .4rem}h4{font-size:.95rem;margin:1.2rem 0 .3rem}p{margin:.4rem 0;max-width:80ch}\
a{color:var(--link)}code,pre{font:12.5px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}\
h1,h2,h3,h4,p,li,td,th,dd,dt,summary{overflow-wrap:anywhere}\
:focus-visible{outline:2px solid var(--focus);outline-offset:2px;border-radius:2px}\
.skip{position:absolute;left:-999px}.skip:focus{left:12px;top:8px;background:var(--paper);padding:4px 8px;z-index:2}\
.verdict{border:1px solid var(--line);border-left:8px solid var(--tone);border-radius:6px;background:var(--box);padding:.8rem 1rem;margin:.6rem 0}\
.verdict p{margin:.15rem 0}.verdict .said{font-size:1.3rem;font-weight:650;color:var(--tone)}\
.pass{--tone:var(--pass)}.warn{--tone:var(--warn)}.fail,.error{--tone:var(--fail)}.inconclusive{--tone:var(--open)}.not-applicable{--tone:var(--none)}\
.chip{display:inline-block;min-width:6.6em;text-align:center;font-size:12px;font-weight:600;line-height:1.5;border:1px solid var(--tone);\
color:var(--tone);border-radius:1em;padding:0 .6em;white-space:nowrap}\
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;padding:0;margin:.6rem 0}\
dl{display:grid;grid-template-columns:minmax(7em,max-content) minmax(0,1fr);gap:.15rem 1rem;margin:.4rem 0}dt{color:var(--faint)}dd{margin:0}\
.scroll{overflow-x:auto;max-width:100%}table{border-collapse:collapse;font-size:14px;width:100%}\
th,td{text-align:left;vertical-align:top;padding:.3rem .7rem .3rem 0;border-bottom:1px solid var(--line)}thead th{color:var(--faint);font-weight:600;white-space:nowrap}th .faint{font-weight:400}\
.products{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,22rem),1fr));gap:0 1.5rem}.products dl{font-size:14px}\
td.id,th.id,.chip,.x summary span:not(.what){white-space:nowrap}.faint{color:var(--faint)}.right{text-align:right}\
fieldset{border:0;padding:0;margin:.35rem 0;display:flex;flex-wrap:wrap;gap:.25rem .5rem;align-items:baseline;min-width:0}\
legend{float:left;padding:0;width:5.5em;color:var(--faint)}\
fieldset label{border:1px solid var(--line);border-radius:1em;padding:0 .7em;cursor:pointer}\
fieldset input{position:absolute;opacity:0;width:1px;height:1px}\
fieldset label:has(:checked){background:var(--ink);color:var(--paper);border-color:var(--ink)}\
fieldset label:has(:focus-visible){outline:2px solid var(--focus);outline-offset:2px}\
.case{border-bottom:1px solid var(--line)}\
.case>details>summary{display:grid;grid-template-columns:1.2em 7.6em 13.5em minmax(0,1fr) auto;gap:.1rem .7rem;padding:.35rem 0;cursor:pointer;align-items:baseline;list-style:none}\
summary::-webkit-details-marker{display:none}.case>details>summary::before,.x>summary::before{content:'\\25B8';color:var(--faint)}\
.case>details[open]>summary::before,.x[open]>summary::before{content:'\\25BE'}\
.case>details[open]>summary{font-weight:600}.case summary .who{color:var(--faint);font-weight:400;white-space:nowrap}\
.inside{padding:.2rem 0 1.6rem 1.9em}\
.finding{border-left:4px solid var(--tone);padding:.1rem 0 .1rem .9rem;margin:.8rem 0}\
.ladder{margin:.6rem 0}.ladder svg{display:block;min-width:1040px;max-width:1168px;width:100%;height:auto}\
.fold>summary{cursor:pointer;list-style:none;color:var(--faint);padding:.1rem .3rem}.fold>summary::before{content:'\\25B8\\a0'}.fold[open]>summary::before{content:'\\25BE\\a0'}\
.ladder.one svg{min-width:480px;max-width:512px}.d{--d-ink:var(--ink);--d-faint:var(--faint);--d-line:var(--line);--d-paper:var(--paper);\
--d-note:var(--box);--d-bad:var(--fail);--d-mark:var(--mark)}\
.rows{display:none;padding-left:0;list-style:none}.rows li{border-left:3px solid var(--line);padding:.15rem 0 .15rem .7rem;margin:.25rem 0}\
.rows .bad{border-color:var(--fail)}.rows .bad b{color:var(--fail)}.rows .quiet{color:var(--faint)}.rows b{font-weight:600}\
.x>summary{cursor:pointer;list-style:none;padding:.15rem 0;display:grid;grid-template-columns:1.2em 7.5em 6em minmax(0,1fr);gap:.5rem}\
.x>div{padding:.1rem 0 .8rem 1.7em}.x>div:target,.finding:target{background:var(--mark)}\
pre{background:var(--box);border:1px solid var(--line);border-radius:4px;padding:.6rem .8rem;overflow:auto;max-height:32rem;margin:.3rem 0}\
pre.wrap{white-space:pre-wrap;overflow-wrap:anywhere}\
footer{margin-top:3rem;padding-bottom:2rem;color:var(--faint);font-size:13px}\
@media(max-width:800px){main,header,footer{padding:0 12px}\
.case>details>summary{grid-template-columns:1.2em 7.6em minmax(0,1fr)}.case summary .title{grid-column:2/-1}.case summary .who{grid-column:2/-1}\
.inside{padding-left:0}.x>summary{grid-template-columns:1.2em 7.5em minmax(0,1fr)}\
table,tbody,tr,td,tbody th{display:block}thead{display:none}tr{border-bottom:1px solid var(--line);padding:.4rem 0}\
td,tbody th{border:0;padding:.05rem 0}td[data-h]:not(:empty)::before{content:attr(data-h) ': ';color:var(--faint)}.x>summary .what{grid-column:2/-1}.x>div{padding-left:.4em}\
dl{grid-template-columns:minmax(0,1fr)}dd{margin:0 0 .35rem}legend{width:100%}}\
@media screen and (max-width:800px){.ladder:not(.one){display:none}.rows{display:block}}\
@media print{:root{--ink:#000;--faint:#444;--paper:#fff;--box:#f6f8fa;--line:#bbb;--pass:#116329;--fail:#a00;--warn:#7d4e00;--open:#6639ba;--none:#444;--mark:#fdd;--link:#000}\
body{font-size:10.5pt}.filters,nav,.skip{display:none}main,header,footer{max-width:none;padding:0}.ladder svg{min-width:0}\
.scroll{overflow:visible}pre{max-height:none;white-space:pre-wrap;overflow-wrap:anywhere}.case,.finding,svg,tr{break-inside:avoid}\
.case>details[open]{break-inside:auto}\
.case:not([data-v=pass]):not([data-v=not-applicable])>details::details-content{content-visibility:visible;block-size:auto}h2,h3,h4{break-after:avoid}}";

/// What hides the cases that a filter leaves out, but for one that a link led to; without `:has` all of them are shown.
pub(super) fn filters(products: usize) -> String {
    let mut rules = Vec::new();
    let mut rule = |id: String, selector: String| {
        rules.push(format!(
            "body:has(#{id}:checked) .case:not({selector}):not(:has(:target)),\
             body:has(#{id}:checked) .group:not(:has({selector})):not(:has(:target)){{display:none}}"
        ));
    };
    for verdict in Verdict::ALL {
        rule(format!("v-{verdict}"), format!("[data-v={verdict}]"));
    }
    rule(
        "v-open".to_owned(),
        ":is([data-v=fail],[data-v=warn],[data-v=inconclusive],[data-v=error])".to_owned(),
    );
    for role in Role::ALL {
        rule(format!("r-{role}"), format!("[data-r~={role}]"));
    }
    for step in Step::ALL {
        rule(format!("s-{step}"), format!("[data-s=\"{step}\"]"));
    }
    rule("s-whole".to_owned(), "[data-s=whole]".to_owned());
    for number in 0..products {
        rule(format!("p-{number}"), format!("[data-p=\"{number}\"]"));
    }
    rules.concat()
}
