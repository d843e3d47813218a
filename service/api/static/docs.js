// Starts Swagger UI; a file of its own, since the page's policy allows no inline script.
window.addEventListener("load", () => {
  window.SwaggerUIBundle({
    url: "/api/openapi.json",
    dom_id: "#docs",
    presets: [window.SwaggerUIBundle.presets.apis],
    validatorUrl: null,
  });
});
