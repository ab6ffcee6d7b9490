"""Text that is markup in some medium."""

NAMES = (
    r"price $\frac{a$",
    "a $x$ b $$",
    "<script>alert(1)</script>&amp;",
    "**bold** _it_ `code` ~~gone~~ | [link](http://x) ![i](y)",
    "# heading",
    "- item",
    "12. twelve",
    "=1+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "+1-1",
    r"\input{/etc/passwd} 50% #1 {a}^_~ [opt] *",
    "[red]rich[/red] :smile: \\",
    "\x1b[31mred\x1b[0m\x07",
    "two\nlines\r\n\u2028three",
    "left \u202eright\u2066",
    "nul \x00 del \x7f c1 \x9b31m",
    "\ud800 half",
    "tab\tand\u200bnothing",
)
