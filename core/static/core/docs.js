"use strict";

SwaggerUIBundle({
  domNode: document.getElementById("pages"),
  url: document.getElementById("pages").dataset.schema,
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  tryItOutEnabled: false,
  validatorUrl: null, // Ask nobody else.
});
