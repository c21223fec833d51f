// What the SDK makes of a refusal; null where there is none.

export const refused = async (request) => {
  try {
    await request();
    return null;
  } catch (error) {
    return { kind: error.constructor.name, status: error.status, code: error.code, param: error.param };
  }
};
