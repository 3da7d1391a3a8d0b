//! The matrix as a page that needs nothing beside it.

use super::markdown::{basis, in_short, line, played, seen};
use super::{Matrix, Pair, Product};
use crate::html::PAGE;
use crate::markup::escape;

/// The whole page.
pub fn write(matrix: &Matrix) -> String {
    let sections: String = matrix.pairs.iter().enumerate().map(section).collect();
    let products: String = matrix.products.iter().map(product).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>dmconform: products against products</title>\n\
         <style>{PAGE}</style>\n<header><h1>Products against products</h1>\n\
         <p>Rows delegate, or are the server; columns are delegated to, or are the client. A pair passes where every step \
         was seen that passes between the two, or between one of them and a role of the harness, and nothing was found at any.</p></header>\n<main>\n{}{sections}\
         <h2>Products</h2>\n<dl>{products}</dl>\n</main>\n</html>\n",
        table(matrix)
    )
}

fn product(product: &Product) -> String {
    let roles: Vec<&str> = product.plays.iter().map(|role| role.as_str()).collect();
    format!(
        "<dt>{}</dt><dd>{} <span class=\"faint\">{}</span></dd>",
        escape(&product.name),
        escape(&product.product),
        roles.join(", ")
    )
}

fn table(matrix: &Matrix) -> String {
    let (rows, columns) = matrix.axes();
    let head: String = columns
        .iter()
        .map(|column| format!("<th scope=\"col\">{}</th>", escape(&column.name)))
        .collect();
    let lines: String = rows.iter().map(|row| table_line(matrix, row, &columns)).collect();
    format!(
        "<div class=\"scroll\"><table>\n<thead><tr><td></td>{head}</tr></thead>\n<tbody>\n{lines}</tbody></table></div>\n"
    )
}

fn table_line(matrix: &Matrix, row: &Product, columns: &[&Product]) -> String {
    let cells: String = columns
        .iter()
        .map(|column| {
            let pairs = matrix.pairs.iter().enumerate();
            let theirs =
                pairs.filter(|(_, pair)| pair.row.name == row.name && pair.column.name == column.name);
            let links: String = theirs
                .map(|(number, pair)| {
                    format!(
                        "<a class=\"{}\" href=\"#pair-{number}\"><span class=\"chip\">{}</span></a> ",
                        pair.verdict,
                        in_short(pair)
                    )
                })
                .collect();
            format!("<td data-h=\"{}\">{links}</td>", escape(&column.name))
        })
        .collect();
    format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", escape(&row.name))
}

fn section((number, pair): (usize, &Pair)) -> String {
    let lines: String = pair
        .steps
        .iter()
        .map(|at| {
            let class = at
                .verdict
                .map_or("not-applicable", dmconform_model::Verdict::as_str);
            format!(
                "<tr><th scope=\"row\">{} <span class=\"faint\">{}</span></th>\
                 <td class=\"{class}\"><span class=\"chip\">{}</span></td></tr>\n",
                at.step,
                escape(at.step.title()),
                seen(at)
            )
        })
        .collect();
    let findings: String = pair
        .findings
        .iter()
        .map(|said| format!("<li>{}</li>\n", escape(&line(said))))
        .collect();
    let findings = match findings.is_empty() {
        true => String::new(),
        false => format!("<ul>\n{findings}</ul>\n"),
    };
    format!(
        "<section id=\"pair-{number}\" class=\"{verdict}\"><h2>{} with {}: <span class=\"chip\">{verdict}</span></h2>\n<p>{}</p>\n\
         {findings}<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">step</th><th scope=\"col\">seen</th></tr></thead>\n\
         <tbody>\n{lines}</tbody></table></div></section>\n",
        escape(&played(&pair.row)),
        escape(&played(&pair.column)),
        escape(&basis(pair)),
        verdict = pair.verdict,
    )
}
