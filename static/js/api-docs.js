/* Draws the API's description on its page. The page names the address of the schema. */
(() => {
  const place = document.getElementById("api-docs");
  SwaggerUIBundle({
    url: place.dataset.schema,
    domNode: place,
    deepLinking: true,
    validatorUrl: null,
    supportedSubmitMethods: [],
  });
})();
