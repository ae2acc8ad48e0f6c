// Formulas by the KaTeX that or1-eval ships; arithmatex marks them.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".arithmatex").forEach((element) => renderMathInElement(element));
});
